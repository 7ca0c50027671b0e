"""Does what is predicted happen? Over labels that became final: how many were accepted, and how many were expected.

A label enters when the item's response window has ended, accepted or not. Counting acceptances as they come would show
too many of them whenever traffic grows, for the silent items of the same days would still be waiting.

The ratio observed / predicted is 1 for a calibrated scorer. Its interval is that of the observed share (Wilson 1927,
99 %) over the mean prediction: with one key per action and channel looked at every day, 95 % would cry wolf daily.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from models.monitoring.rolling import Sums

#: Quantile of the normal distribution for 99 % between both ends.
_Z: Final = 2.5758293035489
#: A scorer has drifted when the whole interval of its ratio is farther than this from 1, over so many labels at least.
DRIFTED_OFF: Final = 0.1
DRIFTED_LABELS: Final = 100
#: Probabilities are held this far from 0 and 1 before a logarithm is taken, as in ``models.scoring.metrics``.
_TINY: Final = 1e-7
_UNIT: Final = 1_000_000_000
#: labels, accepted, predicted, Brier, log loss: the last three in billionths.
WIDTH: Final = 5
NOTHING: Final[Sums] = np.zeros(WIDTH, np.int64)


def label_sums(propensities: Sequence[float], accepted: Sequence[bool]) -> Sums:
    """int64[WIDTH] of some labels; each is rounded by itself, so that sums add up exactly."""
    predicted, label = np.array(propensities, np.float64), np.array(accepted, np.bool_)
    held = np.clip(predicted, _TINY, 1.0 - _TINY)
    loss = np.where(label, -np.log(held), -np.log1p(-held))
    units = np.rint(np.stack([predicted, (predicted - label) ** 2, loss]) * _UNIT).astype(np.int64).sum(axis=1)
    return np.array([len(label), np.count_nonzero(label), *units], np.int64)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of the labels behind some sums."""

    rows: int
    observed: int
    #: Sum of the predictions: how many were expected to be accepted.
    predicted: float
    brier: float
    #: In nats.
    log_loss: float

    @classmethod
    def of(cls, sums: Sums) -> Self:
        rows = int(sums[0])
        many = max(rows, 1) * _UNIT
        return cls(rows, int(sums[1]), int(sums[2]) / _UNIT, int(sums[3]) / many, int(sums[4]) / many)

    @property
    def ratio(self) -> float | None:
        """Observed over predicted; None where nothing was predicted."""
        return self.observed / self.predicted if self.predicted else None

    @property
    def ratio_interval(self) -> tuple[float, float] | None:
        if not self.predicted:
            return None
        low, high = wilson(self.observed, self.rows)
        mean = self.predicted / self.rows
        return low / mean, high / mean

    @property
    def off(self) -> float:
        """How far the near end of the interval is from 1, as a factor less 1; 0 when 1 is within."""
        interval = self.ratio_interval
        if interval is None or interval[0] <= 1.0 <= interval[1]:
            return 0.0
        low, high = interval
        return low - 1.0 if low > 1.0 else (1.0 / high - 1.0 if high > 0 else math.inf)

    @property
    def has_drifted(self) -> bool:
        return self.rows >= DRIFTED_LABELS and self.off > DRIFTED_OFF

    def to_plain(self) -> dict[str, Any]:
        """As ``GET /v1/scorers`` shows it."""
        ratio, interval = self.ratio, self.ratio_interval
        return {
            "rows": self.rows, "observed": self.observed, "predicted": round(self.predicted, 3),
            "ratio": None if ratio is None else round(ratio, 4),
            "ratio_interval": None if interval is None else [round(end, 4) for end in interval],
            "log_loss": round(self.log_loss, 6), "brier": round(self.brier, 6), "drifted": self.has_drifted,
        }


def wilson(observed: int, rows: int) -> tuple[float, float]:
    """Score interval of a share at 99 %."""
    share, grown = observed / rows, _Z * _Z / rows
    middle = share + grown / 2.0
    reach = _Z * math.sqrt(share * (1.0 - share) / rows + grown / (4.0 * rows))
    return max(0.0, (middle - reach) / (1.0 + grown)), min(1.0, (middle + reach) / (1.0 + grown))
