"""Asymptotic confidence sequences: intervals that hold at all times at once, however often somebody looks.

Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence
sequences" (2021, Annals of Statistics 2024), theorem 2.2: for t observations with estimate m and standard deviation s,

    m +- s * sqrt(2 (t rho^2 + 1) / (t^2 rho^2) * log(sqrt(t rho^2 + 1) / alpha))

covers the mean at every t with probability 1 - alpha, asymptotically. ``rho`` tunes for which t the interval is
tightest; it holds for the others too. Differences and ratios of two means are asymptotically linear, so the same holds
with their standard error (by the delta method for the ratio): s / sqrt(t) is the standard error, t the observations of
both arms.
"""

from __future__ import annotations

import math

from models.immutable import immutable


@immutable
class Moments:
    """One observation per customer: how many, their sum and the sum of their squares. Exact: whole numbers of
    1 / ``scale`` of the metric's unit."""

    count: int
    total: int
    squares: int
    scale: int = 1

    @property
    def mean(self) -> float:
        return self.total / (self.count * self.scale) if self.count else 0.0

    @property
    def contributing(self) -> float:
        """How many customers the sum effectively consists of (Kish): of ones and zeros, the number of ones."""
        return self.total * self.total / self.squares if self.squares else 0.0

    @property
    def variance(self) -> float:
        """Unbiased; 0 below two observations."""
        n = self.count
        return (n * self.squares - self.total * self.total) / (n * (n - 1) * self.scale**2) if n > 1 else 0.0


@immutable
class Interval:
    estimate: float
    low: float
    high: float


def tuned_rho(observations: float, alpha: float) -> float:
    """The ``rho`` whose interval is about as tight as it can be after so many observations (the paper's section 3.5:
    sqrt((-2 log alpha + log(-2 log alpha) + 1) / t))."""
    tail = -2.0 * math.log(alpha)
    return math.sqrt((tail + math.log(tail) + 1.0) / observations)


def radius(observations: int, alpha: float, rho: float) -> float:
    """Half the interval's width in standard errors; grows like sqrt(log t), a fixed-n interval's stays."""
    spread = observations * rho * rho
    return math.sqrt(2.0 * (spread + 1.0) / spread * math.log(math.sqrt(spread + 1.0) / alpha))


def difference(arm: Moments, control: Moments, alpha: float, tuned_for: int) -> Interval | None:
    """Mean of ``arm`` minus mean of ``control``; None when an arm has no spread to speak of."""
    error = math.sqrt(_squared_error(arm) + _squared_error(control))
    if error == 0.0:
        return None
    half = error * radius(arm.count + control.count, alpha, tuned_rho(tuned_for, alpha))
    estimate = arm.mean - control.mean
    return Interval(estimate, estimate - half, estimate + half)


def relative(arm: Moments, control: Moments, alpha: float, tuned_for: int) -> Interval | None:
    """Mean of ``arm`` by mean of ``control``, less 1; None where the control's mean is not above 0."""
    base = control.mean
    if base <= 0.0:
        return None
    ratio = arm.mean / base
    error = math.sqrt(_squared_error(arm) + ratio * ratio * _squared_error(control)) / base
    if error == 0.0:
        return None
    half = error * radius(arm.count + control.count, alpha, tuned_rho(tuned_for, alpha))
    return Interval(ratio - 1.0, ratio - 1.0 - half, ratio - 1.0 + half)


def _squared_error(arm: Moments) -> float:
    return arm.variance / arm.count if arm.count else 0.0
