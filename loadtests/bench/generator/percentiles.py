"""Percentiles by the nearest rank: a value that was really measured, never one between two."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: Where the latency curve is drawn.
CURVE = (1.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 75.0, 80.0, 85.0, 90.0, 92.5, 95.0, 96.0, 97.0, 98.0,
         98.5, 99.0, 99.25, 99.5, 99.75, 99.9, 99.95, 99.99)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` of all do not exceed; ``ordered`` ascends. NaN for none."""
    if not ordered:
        return math.nan
    # Rounded first: 99.9 % of 1,000 is rank 999, whatever floating point makes of it.
    rank = math.ceil(round(len(ordered) * percent / 100, 9))
    return ordered[max(1, rank) - 1]


def curve(ordered: Sequence[float]) -> list[tuple[float, float]]:
    """(percent, value) at the places of ``CURVE`` that so many values can tell apart."""
    return [(at, percentile(ordered, at)) for at in CURVE if len(ordered) * (100 - at) >= 100]
