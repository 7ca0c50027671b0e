"""Counters and histograms that cost a request next to nothing: plain numbers, in Prometheus's form when asked for.

Prometheus's own take a lock and make calls of several levels for each number; a request has five. These belong to one
event loop.
"""

from __future__ import annotations

from actors.metrics.family import Family
from actors.metrics.spread import Spread


class Spreads:
    """A histogram by one label, or by none (the label "")."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self._spreads: dict[str, Spread] = {}

    def of(self, value: str = "") -> Spread:
        spread = self._spreads.get(value)
        if spread is None:
            spread = self._spreads[value] = Spread(self.family.bounds)
        return spread

    def rows(self) -> list[list[object]]:
        """See ``actors.metrics.told``."""
        labelled = bool(self.family.labels)
        return [[[value] if labelled else [], one.counts, one.total] for value, one in self._spreads.items()]


class Counts:
    """A counter by its labels' values."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self._counts: dict[tuple[str | int, ...], int] = {}

    def note(self, *labels: str | int) -> None:
        self._counts[labels] = self._counts.get(labels, 0) + 1

    def rows(self) -> list[list[object]]:
        return [[list(map(str, labels)), count] for labels, count in self._counts.items()]


class Answers:
    """Answered requests by call and status, and how long each call took."""

    def __init__(self, counted: Family, measured: Family) -> None:
        self.counts, self.seconds = Counts(counted), Spreads(measured)

    def note(self, call: str, status: int, seconds: float) -> None:
        self.counts.note(call, status)
        self.seconds.of(call).observe(seconds)
