"""Latencies in buckets whose width grows with the value: any quantile within half a percent, from a few kilobytes.

Bucket k holds the values in (B^(k-1), B^k], with B so that its middle value is at most ``RELATIVE_ERROR`` away from any
of them (Masson, Rim, Lee: DDSketch, VLDB 2019, the unbounded form). Two histograms merge by adding counts, so what
many workers measured says the same as if one had measured it all. Averages of percentiles would not.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Self

#: How far a quantile may be from the true one, relative to it.
RELATIVE_ERROR: Final = 0.005
_BASE: Final = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_BASE: Final = math.log(_BASE)
#: Values below count as this one (seconds).
SMALLEST_S: Final = 1e-6


class Histogram:
    """Of seconds."""

    def __init__(self) -> None:
        self.count = 0
        self.sum_s = 0.0
        #: Exact; 0 without values.
        self.max_s = 0.0
        self._buckets: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Raises ``ValueError`` for what is no number of seconds."""
        if not 0 <= seconds < math.inf:
            raise ValueError(f"a latency of {seconds} s")
        self._buckets[math.ceil(math.log(max(seconds, SMALLEST_S)) / _LOG_BASE)] += 1
        self.count += 1
        self.sum_s += seconds
        self.max_s = max(self.max_s, seconds)

    def merge(self, other: Histogram) -> None:
        self._buckets.update(other._buckets)
        self.count += other.count
        self.sum_s += other.sum_s
        self.max_s = max(self.max_s, other.max_s)

    def quantile(self, share: float) -> float:
        """The smallest value that at least ``share`` (in (0, 1]) of all values do not exceed; NaN without values."""
        if not self.count:
            return math.nan
        rank, seen = math.ceil(share * self.count), 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                return min(2 * _BASE**bucket / (_BASE + 1), self.max_s)
        return self.max_s

    def to_wire(self) -> dict[str, Any]:
        """Plain data for a message to another process."""
        return {"count": self.count, "sum_s": self.sum_s, "max_s": self.max_s, "buckets": list(self._buckets.items())}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        found = cls()
        found.count, found.sum_s, found.max_s = wire["count"], wire["sum_s"], wire["max_s"]
        found._buckets = Counter(dict(wire["buckets"]))
        return found
