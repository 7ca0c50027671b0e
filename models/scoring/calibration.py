"""What turns the number that trees give into the chance that was observed: a curve that travels in the manifest.

It keeps the order of scores, so a ranking by calibrated numbers is the ranking by the trees' own.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from models import limits

Scores = NDArray[np.float32]
Curve = Callable[[Scores], Scores]

#: Probabilities are held this far from 0 and 1 before their log-odds are taken.
_TINY: Final = 1e-7


class Calibration(BaseModel):
    """One curve from scores to probabilities, rising everywhere.

    - ``none``: the score itself; no ``x`` and no ``y``.
    - ``platt``: sigmoid(slope * log-odds of the score + intercept), with ``x`` = (slope,) and ``y`` = (intercept,).
    - ``isotonic``: straight lines between the points (``x``, ``y``), both rising, flat outside of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["none", "platt", "isotonic"] = "none"
    x: tuple[float, ...] = Field(default=(), max_length=limits.CALIBRATION_POINTS_MAX)
    y: tuple[float, ...] = Field(default=(), max_length=limits.CALIBRATION_POINTS_MAX)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.kind == "none" and (self.x or self.y):
            raise ValueError("no calibration has no points")
        if self.kind == "platt" and (len(self.x) != 1 or len(self.y) != 1 or self.x[0] <= 0):
            raise ValueError("a Platt calibration is one slope above 0 and one intercept")
        if self.kind == "isotonic" and (len(self.x) < 2 or len(self.x) != len(self.y)):
            raise ValueError("an isotonic calibration has as many x as y, at least two")
        if self.kind == "isotonic" and not (_rises(self.x) and _rises(self.y) and self.y[0] >= 0 and self.y[-1] <= 1):
            raise ValueError("the points of an isotonic calibration rise, and y stays within 0 and 1")
        return self

    def apply(self, scores: Scores) -> Scores:
        """float32[n] -> float32[n]. The same bytes for the same scores."""
        curve = self.curve()
        return scores if curve is None else curve(scores)

    def curve(self) -> Curve | None:
        """What ``apply`` does, made ready for many calls; None when it does nothing."""
        if self.kind == "none":
            return None
        if self.kind == "platt":
            return _platt(self.x[0], self.y[0])
        return _isotonic(np.array(self.x), np.array(self.y))


def log_odds(probability: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float64]:
    """log(p / (1 - p)), finite for every p in [0, 1]."""
    held = np.clip(np.asarray(probability, np.float64), _TINY, 1.0 - _TINY)
    return np.log(held) - np.log1p(-held)


def sigmoid(margin: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of ``log_odds``; never overflows."""
    return 0.5 * (1.0 + np.tanh(0.5 * margin))


def _platt(slope: float, intercept: float) -> Curve:
    def told(scores: Scores) -> Scores:
        chance = sigmoid(slope * log_odds(scores) + intercept)
        return np.clip(chance, _TINY, 1.0 - _TINY).astype(np.float32)

    return told


def _isotonic(x: NDArray[np.float64], y: NDArray[np.float64]) -> Curve:
    return lambda scores: np.interp(scores, x, y).astype(np.float32)


def _rises(points: tuple[float, ...]) -> bool:
    return all(before < after for before, after in pairwise(points))
