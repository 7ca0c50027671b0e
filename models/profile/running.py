"""count, sum and mean over (now - W, now]: exact times and amounts, running totals, coarse buckets beyond 256 events.

Feeding is O(1) arithmetic plus one copy of the columns; reading is a bisection. Memory: at most 256 times (8 B in a
tuple, 32 B an integer that no other feature shares), 256 amounts likewise (none for count), and 66 buckets of three
integers: about 20 kB for a full mean, 11 kB for a full count; 16 to 32 B per event when packed.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from models import limits
from models.catalog.plan import Feature

NEVER = 2**62
#: (newest event time, events, sum of amounts)
Bucket = tuple[int, int, int]


def bucket_width_ms(window_ms: int) -> int:
    """W/64 rounded up to a whole millisecond; buckets are aligned to multiples of it."""
    return max(1, -(-window_ms // limits.WINDOW_BUCKETS))


@dataclass(slots=True)
class Running:
    """Immutable by convention: every change makes a new one. ``times`` ascend; buckets ascend and precede them."""

    definition: bytes
    #: Events that are not in effect yet (ahead of the clock): (time, amount), ascending.
    pending: tuple[tuple[int, int], ...] = ()
    times: tuple[int, ...] = ()
    #: Millionths, parallel to ``times``; empty for count.
    micros: tuple[int, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    #: Events and their sum, over ``times`` and ``buckets`` together.
    count: int = 0
    total: int = 0

    def put(self, feature: Feature, time_ms: int, amount: int, now_ms: int) -> Running:
        """With one more event, and without what has left the window by ``now_ms``."""
        start = now_ms - feature.window_ms
        if time_ms <= start:
            return self
        times, micros, buckets = self.times, self.micros, self.buckets
        count, total = self.count + 1, self.total + amount
        if buckets and buckets[0][0] <= start:
            gone = [bucket for bucket in buckets if bucket[0] <= start]
            buckets = buckets[len(gone):]
            count -= sum(bucket[1] for bucket in gone)
            total -= sum(bucket[2] for bucket in gone)
        if times and times[0] <= start:
            cut = bisect_right(times, start)
            count -= cut
            total -= sum(micros[:cut])
            times, micros = times[cut:], micros[cut:]
        weighted = feature.aggregate != "count"
        if not times or time_ms >= times[-1]:
            times += (time_ms,)
            if weighted:
                micros += (amount,)
        else:
            at = bisect_right(times, time_ms)
            times = (*times[:at], time_ms, *times[at:])
            if weighted:
                micros = (*micros[:at], amount, *micros[at:])
        if len(times) > limits.EVENTS_PER_WINDOW_MAX:
            oldest = (times[0], 1, micros[0] if weighted else 0)
            buckets = _merged(buckets, oldest, bucket_width_ms(feature.window_ms))
            times, micros = times[1:], micros[1:]
        return Running(self.definition, self.pending, times, micros, buckets, count, total)

    def read(self, feature: Feature, now_ms: int) -> tuple[float | int | None, int]:
        """(value, the next instant at which time alone may change it)."""
        start = now_ms - feature.window_ms
        count, total, edge = self.count, self.total, NEVER
        for newest, events, amount in self.buckets:
            if newest > start:
                edge = newest + feature.window_ms
                break
            count -= events
            total -= amount
        times = self.times
        if edge == NEVER and times:
            cut = bisect_right(times, start) if times[0] <= start else 0
            if cut:
                count -= cut
                total -= sum(self.micros[:cut])
            if cut < len(times):
                edge = times[cut] + feature.window_ms
        if feature.aggregate == "count":
            return count, edge
        if feature.aggregate == "sum":
            return total / limits.MICRO, edge
        return (total / (count * limits.MICRO) if count else None), edge


def _merged(buckets: tuple[Bucket, ...], event: Bucket, width_ms: int) -> tuple[Bucket, ...]:
    """``event`` put into the aligned bucket of its time."""
    time_ms, count, amount = event
    at = len(buckets)
    while at and buckets[at - 1][0] > time_ms and buckets[at - 1][0] // width_ms != time_ms // width_ms:
        at -= 1
    if at and buckets[at - 1][0] // width_ms == time_ms // width_ms:
        newest, events, sum_ = buckets[at - 1]
        joined = (max(newest, time_ms), events + count, sum_ + amount)
        return (*buckets[:at - 1], joined, *buckets[at:])
    buckets = (*buckets[:at], event, *buckets[at:])
    if len(buckets) > limits.WINDOW_BUCKETS + 1:  # only with hundreds of events ahead of the clock
        first, second = buckets[:2]
        buckets = ((second[0], first[1] + second[1], first[2] + second[2]), *buckets[2:])
    return buckets
