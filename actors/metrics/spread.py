"""A histogram as plain numbers: it costs an observation next to nothing, and two of the same bounds can be added.

Prometheus's own take a lock and make calls of several levels for each number. These belong to one thread.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence


class Spread:
    """How many observations fell into each bucket, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        #: The last one is for what is above every bound.
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add(self, counts: Sequence[int], total: float) -> None:
        """What another one of the same bounds has seen. Raises ValueError when the bounds cannot be the same."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, counts, strict=True)]
        self.total += total

    def cumulative(self) -> Iterator[tuple[str, float]]:
        """Each bound as Prometheus writes it, and how many observations were at most that."""
        seen = 0
        for bound, count in zip((*self.bounds, math.inf), self.counts, strict=True):
            seen += count
            yield ("+Inf" if bound == math.inf else repr(bound)), seen
