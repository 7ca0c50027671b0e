"""What is counted of each variant: exposures, contacts, acceptances, and one observation per customer.

``Tally`` is a sum that any part of a journal adds to; ``ExperimentCounts`` what one shard has counted since it began,
``ExperimentTotals`` the newest that every shard reported, with their sums. Called by the turn, the shard's state and
the coordinator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

#: (experiment, variant)
Key = tuple[str, str]
#: A row on the wire: experiment, variant, then the fields of a tally, the wide ones as bytes.
Row = list[Any]
#: Sums of values in millionths and of their squares can outgrow 64 bits: they travel as 16 bytes, big-endian, signed.
_WIDE_BYTES: Final = 16


class Tally(NamedTuple):
    """Whole numbers only, so that sums do not depend on their order."""

    #: Customers that were first exposed; contacts shown and accepted by exposed customers within their observations.
    assigned: int = 0
    contacts: int = 0
    accepts: int = 0
    #: Customers whose observation ended, and what theirs were: acceptances, and value in millionths.
    observed: int = 0
    accepts_sum: int = 0
    accepts_squares: int = 0
    value_sum: int = 0
    value_squares: int = 0

    def plus(self, other: Tally) -> Tally:
        return Tally(*map(int.__add__, self, other))

    @property
    def steps(self) -> int:
        """Rises with every change, so that of two counts of one shard the newer one is known."""
        return self.assigned + self.contacts + self.accepts + self.observed


EXPOSED: Final = Tally(assigned=1)
EMPTY: Final = Tally()


def observation(accepts: int, value_micros: int) -> Tally:
    """That of one customer."""
    return Tally(0, 0, 0, 1, accepts, accepts * accepts, value_micros, value_micros * value_micros)


def to_row(key: Key, tally: Tally) -> Row:
    wide = (number.to_bytes(_WIDE_BYTES, "big", signed=True) for number in tally[6:])
    return [*key, *tally[:6], *wide]


def from_row(row: Sequence[Any]) -> tuple[Key, Tally]:
    experiment, variant, *narrow, value_sum, value_squares = row
    wide = (int.from_bytes(number, "big", signed=True) for number in (value_sum, value_squares))
    return (experiment, variant), Tally(*narrow, *wide)


class ExperimentCounts:
    """What one shard has counted: cumulative. ``mark`` rises with every change, so that a report carries only what the
    coordinator does not have yet."""

    def __init__(self) -> None:
        self.mark = 0
        #: Key -> (tally, mark of the last change).
        self._counts: dict[Key, tuple[Tally, int]] = {}

    def add(self, key: Key, tally: Tally) -> None:
        self.mark += 1
        before, _ = self._counts.get(key, (EMPTY, 0))
        self._counts[key] = before.plus(tally), self.mark

    def changes_since(self, mark: int) -> tuple[Row, ...]:
        """Cumulative rows of all that changed after ``mark`` (0: everything)."""
        return tuple(to_row(key, tally) for key, (tally, changed) in self._counts.items() if changed > mark)

    def to_wire(self) -> list[Any]:
        return [self.mark, [[changed, *to_row(key, tally)] for key, (tally, changed) in self._counts.items()]]

    @classmethod
    def from_wire(cls, wire: list[Any]) -> ExperimentCounts:
        counts = cls()
        counts.mark = wire[0]
        for changed, *row in wire[1]:
            key, tally = from_row(row)
            counts._counts[key] = tally, changed
        return counts

    @classmethod
    def merged(cls, parts: Iterable[ExperimentCounts]) -> ExperimentCounts:
        """All that several shards counted, as one shard's."""
        together = cls()
        for part in parts:
            for key, (tally, _) in part._counts.items():
                together.add(key, tally)
            together.mark = max(together.mark, part.mark)
        return together


class ExperimentTotals:
    """What the coordinator knows: per shard the newest count of each variant, and their sums."""

    def __init__(self) -> None:
        self._by_shard: dict[tuple[int, Key], Tally] = {}
        self._sums: dict[Key, Tally] = {}

    def news(self, shard: int, rows: Iterable[Row]) -> list[Row]:
        """Those rows of a report that are newer than what is merged: repeats and overtaken reports are not."""
        return [row for row in rows if self._is_newer(shard, *from_row(row))]

    def merge(self, shard: int, rows: Iterable[Row]) -> None:
        for row in rows:
            key, tally = from_row(row)
            if not self._is_newer(shard, key, tally):
                continue
            before = self._by_shard.get((shard, key), EMPTY)
            self._by_shard[shard, key] = tally
            sums = self._sums.get(key, EMPTY)
            self._sums[key] = Tally(*(had + new - old for had, new, old in zip(sums, tally, before, strict=True)))

    def of(self, experiment: str, variant: str) -> Tally:
        return self._sums.get((experiment, variant), EMPTY)

    def experiments(self) -> Iterator[str]:
        """Each id once, in the order in which they were first counted."""
        yield from dict.fromkeys(experiment for experiment, _ in self._sums)

    def variants(self, experiment: str) -> list[str]:
        return [variant for known, variant in self._sums if known == experiment]

    def as_one_shard(self) -> ExperimentTotals:
        """The same sums, all of them shard 0's (after resharding)."""
        one = ExperimentTotals()
        one.merge(0, (to_row(key, tally) for key, tally in self._sums.items()))
        return one

    def to_wire(self) -> list[Any]:
        return [[shard, *to_row(key, tally)] for (shard, key), tally in self._by_shard.items()]

    @classmethod
    def from_wire(cls, wire: list[Any]) -> ExperimentTotals:
        totals = cls()
        for shard, *row in wire:
            totals.merge(shard, [row])
        return totals

    def _is_newer(self, shard: int, key: Key, tally: Tally) -> bool:
        return tally.steps > self._by_shard.get((shard, key), EMPTY).steps
