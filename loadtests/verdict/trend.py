"""Is a long run flat? Slopes by Theil and Sen (the median over all pairs of points) over what remains after warm-up, so
that a burst of something else on the machine does not tilt the line.

Tolerances: private memory of the server's processes may grow, over the whole run, by at most a tenth of its level plus
64 MiB (idempotency keys of the last minutes and a checkpoint's buffers come and go); the median latency by at most half
of its level plus 2 ms. The first quarter is warm-up. A run with fewer than ``POINTS_MIN`` points after that is not
judged.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from typing import Final

from loadtests.verdict.checks import Check
from loadtests.verdict.record import Record

POINTS_MIN: Final = 20
_WARM_UP: Final = 0.25
_MB: Final = 1024 * 1024
_MEMORY_SHARE: Final = 0.10
_MEMORY_SLACK_MB: Final = 64.0
_LATENCY_SHARE: Final = 0.5
_LATENCY_SLACK_MS: Final = 2.0

Points = Sequence[tuple[float, float]]


def slope(points: Points) -> float:
    """Rise per unit of x: the median over all pairs of points; 0 for fewer than two places."""
    rises = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in itertools.combinations(points, 2) if x1 != x2]
    return statistics.median(rises) if rises else 0.0


def check_flat(name: str, points: Points, unit: str, share: float, slack: float) -> Check:
    """Whether a line through the points after the warm-up rises by no more than ``share`` of its level + ``slack``."""
    if not points:
        return Check(f"{name} stays flat", None, "not visible from here")
    first_x, last_x = points[0][0], points[-1][0]
    steady = [one for one in points if one[0] >= first_x + _WARM_UP * (last_x - first_x)]
    if len(steady) < POINTS_MIN:
        return Check(f"{name} stays flat", None, f"too short to judge: {len(steady)} points of {POINTS_MIN}")
    level = sum(y for _, y in steady) / len(steady)
    rise = slope(steady) * (steady[-1][0] - steady[0][0])
    allowed = share * level + slack
    return Check(
        f"{name} stays flat", rise <= allowed,
        f"{rise:+.1f} {unit} over {steady[-1][0] - steady[0][0]:.0f} s around {level:.1f}; at most +{allowed:.1f}",
    )


def check_memory(samples: Sequence[tuple[float, int]]) -> Check:
    """``samples``: (seconds, private bytes)."""
    points = [(at, size / _MB) for at, size in samples]
    return check_flat("server memory", points, "MB", _MEMORY_SHARE, _MEMORY_SLACK_MB)


def check_latency(record: Record, slice_s: float) -> Check:
    points = [
        (number * slice_s, one.latency.quantile(0.5) * 1_000)
        for number, one in sorted(record.slices.items()) if one.latency.count
    ]
    return check_flat("median latency", points, "ms", _LATENCY_SHARE, _LATENCY_SLACK_MS)
