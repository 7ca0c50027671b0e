"""Counts over time: minutes, hours, days, and all that is older. Each older bucket is merged into the next size.

Where a bucket belongs follows from its beginning and from the newest clock alone, so the order in which counts come
does not matter. Time is the journal's: under a manual clock it stands still, and jumps.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final, Self

from models import limits
from models.canonical import pack, unpack
from models.insight.counts import Counts

_SPANS: Final = (limits.MINUTE_MS, limits.HOUR_MS, limits.DAY_MS)
_KEPT: Final = (limits.INSIGHT_MINUTES, limits.INSIGHT_HOURS, limits.INSIGHT_DAYS)
#: Window -> how many buckets of which size it goes back; what is smaller lies within them.
_WINDOWS: Final = {"hour": (60, 0), "day": (24, 1), "week": (7, 2)}
WINDOWS: Final = (*_WINDOWS, "all")
_OLDER: Final = (len(_SPANS), 0)


class History:
    def __init__(self) -> None:
        #: By size, then by number: a bucket's begin divided by its span.
        self._buckets: tuple[dict[int, Counts], ...] = ({}, {}, {})
        self._older = Counts()
        #: (size, number) -> packed counts of those buckets that nothing was counted in since; (3, 0) is all that is
        #: older. Most buckets are of the past.
        self._packed: dict[tuple[int, int], bytes] = {}
        #: Clocks of the first row that was counted, and of the newest that there is; 0 before.
        self.begun_ms = 0
        self.newest_ms = 0

    def at(self, clock_ms: int) -> Counts:
        """Where a row of this clock is counted; whoever asks counts something there."""
        self.begun_ms = min(self.begun_ms or clock_ms, clock_ms)
        self.reach(clock_ms)
        return self._bucket(clock_ms)

    def reach(self, clock_ms: int) -> None:
        """There is a row of this clock, whether it is counted or not."""
        if clock_ms > self.newest_ms:
            self._advance(clock_ms)

    def merge(self, other: History) -> None:
        """Add all of ``other``, which stays as it is."""
        if other.begun_ms:
            self.begun_ms = min(self.begun_ms or other.begun_ms, other.begun_ms)
        self.reach(other.newest_ms)
        for span, buckets in zip(_SPANS, other._buckets, strict=True):
            for number, counts in buckets.items():
                self._bucket(number * span).merge(counts)
        self._packed.pop(_OLDER, None)
        self._older.merge(other._older)

    def minutes(self) -> Iterator[tuple[int, Counts]]:
        """(begin in ms, counts) of the minutes that have any, oldest first."""
        for number in sorted(self._buckets[0]):
            yield number * limits.MINUTE_MS, self._buckets[0][number]

    def window(self, name: str) -> tuple[int, Counts]:
        """Begin in ms, and what was counted since: of an hour by whole minutes, of a day by hours, of a week by days
        (UTC). Counted back from the newest row. Raises KeyError for a window that is none of ``WINDOWS``."""
        sums = Counts()
        if name == "all":
            sums.merge(self._older)
            begin_ms, largest = self.begun_ms, 2
        else:
            many, largest = _WINDOWS[name]
            begin_ms = (self.newest_ms // _SPANS[largest] - many + 1) * _SPANS[largest]
        for size in range(largest + 1):
            for number, counts in self._buckets[size].items():
                if number * _SPANS[size] >= begin_ms or name == "all":
                    sums.merge(counts)
        return max(begin_ms, self.begun_ms), sums

    def to_wire(self) -> list[Any]:
        """Equal for equal counts."""
        sizes = [
            [[number, self._packed_at((size, number), buckets[number])] for number in sorted(buckets)]
            for size, buckets in enumerate(self._buckets)
        ]
        return [self.begun_ms, self.newest_ms, sizes, self._packed_at(_OLDER, self._older)]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> Self:
        history = cls()
        history.begun_ms, history.newest_ms, sizes, older = wire
        for buckets, packed in zip(history._buckets, sizes, strict=True):
            buckets.update((number, _unpacked(counts)) for number, counts in packed)
        history._older = _unpacked(older)
        return history

    def _packed_at(self, place: tuple[int, int], counts: Counts) -> bytes:
        known = self._packed.get(place)
        if known is None:
            known = self._packed[place] = zlib.compress(pack(counts.to_wire()), 1)
        return known

    def _size_of(self, clock_ms: int) -> int | None:
        """None: it is older than all that is told apart."""
        for size, (span, kept) in enumerate(zip(_SPANS, _KEPT, strict=True)):
            if clock_ms // span > self.newest_ms // span - kept:
                return size
        return None

    def _bucket(self, clock_ms: int) -> Counts:
        size = self._size_of(clock_ms)
        if size is None:
            self._packed.pop(_OLDER, None)
            return self._older
        buckets, number = self._buckets[size], clock_ms // _SPANS[size]
        self._packed.pop((size, number), None)
        counts = buckets.get(number)
        if counts is None:
            counts = buckets[number] = Counts()
        return counts

    def _advance(self, newest_ms: int) -> None:
        was_ms, self.newest_ms = self.newest_ms, newest_ms
        if newest_ms // limits.MINUTE_MS == was_ms // limits.MINUTE_MS:
            return  # buckets move when a minute begins, and no earlier
        for size, (span, buckets) in enumerate(zip(_SPANS, self._buckets, strict=True)):
            for number in [number for number in buckets if self._size_of(number * span) != size]:
                old = buckets.pop(number)
                self._packed.pop((size, number), None)
                self._bucket(number * span).merge(old)


def _unpacked(data: bytes) -> Counts:
    return Counts.from_wire(unpack(zlib.decompress(data)))
