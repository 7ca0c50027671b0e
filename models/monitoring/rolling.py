"""Sums of the last days, by scorer, action and channel: whole numbers in buckets of a day, so that a window forgets
exactly what it was told and that adding the windows of several shards gives the same in any order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models import limits

Sums = NDArray[np.int64]

#: Stands for every action or channel beyond the bound.
REST: Final = "*"
#: Stands for the scorer where evidence alone decided.
EVIDENCE: Final = "evidence"


class Key(NamedTuple):
    scorer: str
    action: str
    channel: str


@dataclass(slots=True)
class RollingSums:
    """``keys_max``: pairs of action and channel that are kept apart for each scorer; those that come later go together
    under ``REST`` until one of them has left the window."""

    keys_max: int
    days: int = limits.MONITOR_DAYS
    scorers_max: int = limits.MONITOR_SCORERS_MAX
    _buckets: dict[int, dict[Key, Sums]] = field(default_factory=dict)

    def add(self, day: int, key: Key, sums: Sums) -> bool:
        """Add to a day's bucket. False when there are too many scorers already, and nothing was added."""
        kept = self._kept_as(key)
        if kept is None:
            return False
        bucket = self._buckets.setdefault(day, {})
        held = bucket.get(kept)
        bucket[kept] = sums.copy() if held is None else held + sums
        return True

    def forget(self, day: int) -> None:
        """It is ``day``: drop the buckets that are not among the last ``days``, this one included."""
        for old in [known for known in self._buckets if known <= day - self.days]:
            del self._buckets[old]

    def total(self) -> dict[Key, Sums]:
        """What all buckets hold together."""
        return added(self._buckets.values())

    def to_wire(self) -> list[Any]:
        """Day by day, for who keeps it."""
        return [[day, packed(bucket)] for day, bucket in self._buckets.items()]

    def fill(self, wire: Iterable[Any]) -> None:
        """Hold what ``to_wire`` told, in place of what was held."""
        self._buckets = {day: unpacked(bucket) for day, bucket in wire}

    @property
    def first_day(self) -> int | None:
        return min(self._buckets, default=None)

    def _kept_as(self, key: Key) -> Key | None:
        if any(key in bucket for bucket in self._buckets.values()):
            return key
        known = {held for bucket in self._buckets.values() for held in bucket}
        own = sum(held.scorer == key.scorer for held in known)
        if not own and len({held.scorer for held in known}) >= self.scorers_max:
            return None
        rest = Key(key.scorer, REST, REST)
        return rest if own >= self.keys_max - (rest not in known) else key


def added(parts: Iterable[Mapping[Key, Sums]]) -> dict[Key, Sums]:
    """Key by key."""
    total: dict[Key, Sums] = {}
    for part in parts:
        for key, sums in part.items():
            total[key] = total[key] + sums if key in total else sums
    return total


def packed(total: Mapping[Key, Sums]) -> list[list[Any]]:
    """As plain data."""
    return [[*key, sums.astype("<i8").tobytes()] for key, sums in total.items()]


def unpacked(wire: Iterable[Any]) -> dict[Key, Sums]:
    return {
        Key(scorer, action, channel): np.frombuffer(sums, "<i8").astype(np.int64)
        for scorer, action, channel, sums in wire
    }


def of_scorer(total: Mapping[Key, Sums], scorer: str) -> Sums | None:
    """Over all actions and channels; None when there is nothing."""
    own = [sums for key, sums in total.items() if key.scorer == scorer]
    return sum(own[1:], start=own[0]) if own else None
