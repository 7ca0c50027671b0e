"""How good a scorer was on rows that neither grew, stopped, chose nor calibrated it: numbers of a training report."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.scoring import metrics
from models.scoring.manifest import Objective
from models.scoring.rows import Label, Texts

_DIGITS: Final = 6
#: Bins of the calibration curve, and normal quantile of its 95 % intervals.
_BINS: Final = 10
_Z: Final = 1.959964


def judged(
    objective: Objective, label: Label, score: NDArray[np.float32], weight: NDArray[np.float32], base: float,
) -> dict[str, float]:
    """The metrics of a manifest. ``base``: the mean label of the rows learnt from, what knowing nothing would say."""
    if objective == "number":
        error, base_error = metrics.rmse(label, score, weight), metrics.rmse(label, base, weight)
        around = metrics.rmse(label, float(np.average(label, weights=weight)), weight)
        found = {
            "rmse": error, "base_rmse": base_error, "mae": metrics.mae(label, score, weight),
            "base_mae": metrics.mae(label, base, weight), "r2": 1.0 - (error / around) ** 2 if around else 0.0,
        }
    else:
        found = {
            "auc": metrics.auc(label, score, weight), "log_loss": metrics.log_loss(label, score, weight),
            "base_log_loss": metrics.log_loss(label, base, weight), "brier": metrics.brier(label, score, weight),
            "base_brier": metrics.brier(label, base, weight), "ece": metrics.ece(label, score, weight, _BINS),
        }
    return {name: round(value, _DIGITS) for name, value in found.items()}


def curve(
    objective: Objective, label: Label, score: NDArray[np.float32], weight: NDArray[np.float32],
) -> list[dict[str, Any]]:
    """What was said against what happened, in bins of equally many rows by rising score.

    ``low`` and ``high`` hold what happened with 95 % confidence: Wilson's interval (1927) for shares, the normal one
    for means of numbers.
    """
    found = []
    for rows in metrics.equal_bins(score, _BINS):
        w = weight[rows].astype(np.float64)
        if not w.any():
            continue
        said, happened = float(np.average(score[rows], weights=w)), float(np.average(label[rows], weights=w))
        effective = float(w.sum() ** 2 / (w @ w))
        if objective == "probability":
            low, high = _wilson(happened, effective)
        else:
            spread = math.sqrt(float(np.average((label[rows] - happened) ** 2, weights=w)) / effective)
            low, high = happened - _Z * spread, happened + _Z * spread
        found.append({
            "from": _told(score[rows].min()), "to": _told(score[rows].max()), "rows": len(rows), "said": _told(said),
            "happened": _told(happened), "low": _told(low), "high": _told(high),
        })
    return found


def by_text(
    objective: Objective, texts: Texts, label: Label, score: NDArray[np.float32], weight: NDArray[np.float32],
) -> list[dict[str, Any]]:
    """The same numbers for each action, or channel: most rows first. None where a number cannot be had."""
    counts = sorted(texts.counts().items(), key=lambda pair: (-pair[1], pair[0]))
    places = {name: place for place, name in enumerate(texts.names)}
    found = []
    for name, count in counts[: limits.REPORT_ROWS_MAX]:
        rows = np.flatnonzero(texts.codes == places[name])
        own, said, w = label[rows], score[rows], weight[rows]
        told: dict[str, Any] = {"name": name, "rows": count}
        if not w.any():
            found.append(told)
            continue
        told |= {"happened": _told(np.average(own, weights=w)), "said": _told(np.average(said, weights=w))}
        if objective == "probability":
            told |= {
                "accepted": int((own == 1).sum()), "auc": _told(metrics.auc(own, said, w)),
                "log_loss": _told(metrics.log_loss(own, said, w)),
            }
        else:
            told |= {"rmse": _told(metrics.rmse(own, said, w))}
        found.append(told)
    return found


def importance(features: tuple[str, ...], gains: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Each feature's share in what the splits of all trees gained, largest first."""
    order = np.argsort(-gains, kind="stable").tolist()
    return [{"feature": features[place], "gain": _told(gains[place])} for place in order]


def _wilson(share: float, count: float) -> tuple[float, float]:
    middle = share + _Z * _Z / (2.0 * count)
    reach = _Z * math.sqrt(share * (1.0 - share) / count + _Z * _Z / (4.0 * count * count))
    scale = 1.0 + _Z * _Z / count
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def _told(number: Any) -> float | None:
    value = float(number)
    return round(value, _DIGITS) if math.isfinite(value) else None
