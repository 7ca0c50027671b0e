"""Aggregates without a window: last, days_since_last and decayed_sum. One time and one number each (about 150 B)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from models import limits
from models.catalog.plan import Feature
from models.profile.running import NEVER


@dataclass(slots=True)
class Newest:
    """The newest event by event time. A late event never replaces it; of two at one instant the later arrival stays."""

    definition: bytes
    #: (time, value), ascending.
    pending: tuple[tuple[int, float], ...] = ()
    #: None before the first event.
    time_ms: int | None = None
    value: float = 0.0

    def put(self, _feature: Feature, time_ms: int, number: float, _now_ms: int) -> Newest:
        if self.time_ms is not None and time_ms < self.time_ms:
            return self
        return Newest(self.definition, self.pending, time_ms, float(number))

    def read(self, feature: Feature, now_ms: int) -> tuple[float | None, int]:
        """last: the value, which time never changes. days_since_last: float days, which every instant changes."""
        if self.time_ms is None:
            return None, NEVER
        if feature.aggregate == "last":
            return self.value, NEVER
        return max(0, now_ms - self.time_ms) / limits.DAY_MS, now_ms + 1


@dataclass(slots=True)
class Decayed:
    """A sum in which an amount halves with every half-life; a late amount enters as decayed as it is old."""

    definition: bytes
    #: (time, amount), ascending.
    pending: tuple[tuple[int, float], ...] = ()
    #: The instant at which ``value`` holds: the newest event time. None before the first event.
    time_ms: int | None = None
    value: float = 0.0

    def put(self, feature: Feature, time_ms: int, amount: float, _now_ms: int) -> Decayed:
        if self.time_ms is None:
            return Decayed(self.definition, self.pending, time_ms, float(amount))
        if time_ms >= self.time_ms:
            at_ms, value = time_ms, self.value * _share(time_ms - self.time_ms, feature) + amount
        else:
            at_ms, value = self.time_ms, self.value + amount * _share(self.time_ms - time_ms, feature)
        return Decayed(self.definition, self.pending, at_ms, value)

    def read(self, feature: Feature, now_ms: int) -> tuple[float | None, int]:
        if self.time_ms is None:
            return None, NEVER
        return self.value * _share(max(0, now_ms - self.time_ms), feature), now_ms + 1


def _share(age_ms: int, feature: Feature) -> float:
    """What is left of 1 after ``age_ms``."""
    return math.exp2(-age_ms / feature.half_life_ms)
