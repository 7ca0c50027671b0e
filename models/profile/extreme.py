"""max and min over (now - W, now]: only the events that can still become the extreme are kept.

``values`` strictly fall while ``times`` rise (values of min are stored negated), so an event that a later, larger one
hides is gone. Usually a handful of entries; a strictly falling series keeps the bound of 256 exact entries, then 66
buckets (newest time, extreme). Memory at most about 18 kB, 16 B per entry when packed.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from models import limits
from models.catalog.plan import Feature
from models.profile.running import NEVER, bucket_width_ms


@dataclass(slots=True)
class Extreme:
    """Immutable by convention."""

    definition: bytes
    #: (time, value as reported), ascending.
    pending: tuple[tuple[int, float], ...] = ()
    times: tuple[int, ...] = ()
    #: Negated for min.
    values: tuple[float, ...] = ()
    #: (newest event time, extreme), ascending, before ``times``.
    buckets: tuple[tuple[int, float], ...] = ()

    def put(self, feature: Feature, time_ms: int, number: float, now_ms: int) -> Extreme:
        start = now_ms - feature.window_ms
        if time_ms <= start:
            return self
        value = number if feature.aggregate == "max" else -number
        times, values, buckets = self.times, self.values, self.buckets
        at = bisect_right(times, time_ms)
        hidden_by_later = at < len(times) and values[at] >= value
        hidden_by_equal = at > 0 and times[at - 1] == time_ms and values[at - 1] >= value
        if hidden_by_later or hidden_by_equal:
            return self
        low = at
        while low and values[low - 1] <= value:
            low -= 1
        first = bisect_right(times, start, 0, low)
        times = (*times[first:low], time_ms, *times[at:])
        values = (*values[first:low], value, *values[at:])
        if buckets:
            buckets = tuple(b for b in buckets if b[0] > start and (b[0] > time_ms or b[1] > value))
        if len(times) > limits.EVENTS_PER_WINDOW_MAX:
            buckets = _merged(buckets, times[0], values[0], bucket_width_ms(feature.window_ms))
            times, values = times[1:], values[1:]
        return Extreme(self.definition, self.pending, times, values, buckets)

    def read(self, feature: Feature, now_ms: int) -> tuple[float | None, int]:
        """(value, the instant at which the event that holds it leaves the window)."""
        start = now_ms - feature.window_ms
        best, newest = None, 0
        for time_ms, value in self.buckets:
            if time_ms > start and (best is None or value >= best):
                best, newest = value, time_ms
        at = bisect_right(self.times, start)
        if at < len(self.times) and (best is None or self.values[at] >= best):
            best, newest = self.values[at], self.times[at]
        if best is None:
            return None, NEVER
        return (best if feature.aggregate == "max" else 0.0 - best), newest + feature.window_ms


def _merged(
    buckets: tuple[tuple[int, float], ...], time_ms: int, value: float, width_ms: int
) -> tuple[tuple[int, float], ...]:
    at = len(buckets)
    while at and buckets[at - 1][0] > time_ms and buckets[at - 1][0] // width_ms != time_ms // width_ms:
        at -= 1
    if at and buckets[at - 1][0] // width_ms == time_ms // width_ms:
        newest, best = buckets[at - 1]
        return (*buckets[:at - 1], (max(newest, time_ms), max(best, value)), *buckets[at:])
    buckets = (*buckets[:at], (time_ms, value), *buckets[at:])
    if len(buckets) > limits.WINDOW_BUCKETS + 1:
        first, second = buckets[:2]
        buckets = ((second[0], max(first[1], second[1])), *buckets[2:])
    return buckets
