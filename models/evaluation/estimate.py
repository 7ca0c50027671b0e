"""A value with its standard error and interval; positions of one round are never taken for independent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from models.evaluation.log import Log, Numbers

#: Of the standard normal distribution.
_Z: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """In units of the reward, per position; None where the log does not say."""

    value: float | None
    se: float | None
    #: How many independent parts the standard error was made of, less one.
    freedom: int

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """95 %."""
        if self.value is None or self.se is None:
            return None, None
        reach = quantile(self.freedom) * self.se
        return self.value - reach, self.value + reach

    def to_wire(self) -> dict[str, Any]:
        return {"value": self.value, "se": self.se, "ci": list(self.interval)}


def mean(log: Log, scores: Numbers) -> Estimate:
    """The mean of one score per position. With rounds of several positions it is a ratio of two sums over rounds, whose
    standard error is that of its linearisation, clustered by round (Liang and Zeger 1986)."""
    return ratio(log, scores, np.ones(len(log)))


def ratio(log: Log, scores: Numbers, bases: Numbers) -> Estimate:
    """The sum of scores over the sum of bases, both per position."""
    base = float(bases.sum())
    if base <= 0.0:
        return Estimate(None, None, 0)
    value = float(scores.sum()) / base
    if not np.isfinite(value):
        return Estimate(None, None, 0)
    if log.rounds < 2:
        return Estimate(value, None, 0)
    errors = np.bincount(log.round, scores - value * bases, minlength=log.rounds)
    se = float(np.sqrt(log.rounds / (log.rounds - 1) * float(errors @ errors))) / base
    return Estimate(value, se if np.isfinite(se) else None, log.rounds - 1)


def quantile(freedom: int) -> float:
    """The 97.5 % quantile of Student's t distribution, by its expansion around the normal one (Cornish and Fisher 1938;
    off by less than 0.1 % from nine degrees of freedom on)."""
    z, nu = _Z, float(max(freedom, 1))
    return z + (z**3 + z) / (4 * nu) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * nu**2) + (
        3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z
    ) / (384 * nu**3)
