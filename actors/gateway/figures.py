"""Counters and histograms that cost a request next to nothing: plain numbers, in Prometheus's form when asked for.

Prometheus's own take a lock and make calls of several levels for each number; a request has five. These belong to one
event loop.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Spread:
    """How many observations fell into each bucket, and their sum."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        #: The last one is for what is above every bound.
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def cumulative(self) -> Iterator[tuple[str, float]]:
        """Each bound as Prometheus writes it, and how many observations were at most that."""
        seen = 0
        for bound, count in zip((*self._bounds, math.inf), self.counts, strict=True):
            seen += count
            yield ("+Inf" if bound == math.inf else repr(bound)), seen


class Spreads(Collector):
    """A histogram by one label."""

    def __init__(self, name: str, help_: str, label: str, bounds: Sequence[float]) -> None:
        self._name, self._help, self._label, self._bounds = name, help_, label, tuple(bounds)
        self._spreads: dict[str, Spread] = {}

    def of(self, value: str) -> Spread:
        spread = self._spreads.get(value)
        if spread is None:
            spread = self._spreads[value] = Spread(self._bounds)
        return spread

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(self._name, self._help, labels=[self._label])
        for value, spread in self._spreads.items():
            family.add_metric([value], list(spread.cumulative()), spread.total)
        yield family


class Answers(Collector):
    """Answered requests by call and status, and how long each call took."""

    def __init__(self, counter: str, counted: str, histogram: str, measured: str, bounds: Sequence[float]) -> None:
        self._counter, self._counted = counter, counted
        self._seconds = Spreads(histogram, measured, "call", bounds)
        self._counts: dict[tuple[str, int], int] = {}

    def note(self, call: str, status: int, seconds: float) -> None:
        key = (call, status)
        self._counts[key] = self._counts.get(key, 0) + 1
        self._seconds.of(call).observe(seconds)

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self._counter, self._counted, labels=["call", "status"])
        for (call, status), count in self._counts.items():
            family.add_metric([call, str(status)], count)
        yield family
        yield from self._seconds.collect()
