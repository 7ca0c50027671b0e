"""Shares of counts with 95 % intervals. A rate is never told without its counts.

Wilson (1927) for one share; Newcombe (1998), method 10, for the difference of two: the square-and-add of the Wilson
intervals of both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_Z: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Rate:
    """``hits`` of ``n``, 0 < n; ``low`` and ``high`` bound the share that lies behind them."""

    hits: int
    n: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Of two shares, in shares: above 0 where the first is larger."""

    estimate: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """The interval does not hold 0."""
        return self.low > 0.0 or self.high < 0.0


def rate(hits: int, n: int) -> Rate | None:
    """None where there is no share to tell: of nothing, or with more hits than there were chances (the chances of some
    came before the counts begin)."""
    if n <= 0 or not 0 <= hits <= n:
        return None
    share, square = hits / n, _Z * _Z
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = _Z * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == n else min(1.0, centre + half)
    return Rate(hits, n, share, low, high)


def difference(first: Rate, second: Rate) -> Difference:
    """``first`` less ``second``."""
    estimate = first.share - second.share
    down = math.hypot(first.share - first.low, second.high - second.share)
    up = math.hypot(first.high - first.share, second.share - second.low)
    return Difference(estimate, estimate - down, estimate + up)
