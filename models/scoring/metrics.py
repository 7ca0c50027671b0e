"""How good predicted probabilities, or numbers, were: judged on rows that came later."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[Any]
Scores = NDArray[np.float32] | NDArray[np.float64]
#: None: every row counts alike.
Weights = NDArray[np.float32] | None

_TINY = 1e-7


def auc(label: Labels, score: Scores, weight: Weights = None) -> float:
    """Area under the ROC curve: the chance that an accepted row outranks another; ties count half.

    Rank sum of Mann and Whitney (1947). NaN when one class is absent.
    """
    w = np.ones(len(label)) if weight is None else weight.astype(np.float64)
    _, at = np.unique(score, return_inverse=True)
    yes, no = np.bincount(at, w * (label == 1)), np.bincount(at, w * (label != 1))
    pairs = float(yes.sum() * no.sum())
    if not pairs:
        return float("nan")
    return float((yes * (np.cumsum(no) - no / 2.0)).sum()) / pairs


def log_losses(label: Labels, score: Scores | float) -> NDArray[np.float64]:
    """float64[n]: minus the log likelihood of each row, in nats."""
    probability = np.clip(np.asarray(score, np.float64), _TINY, 1.0 - _TINY)
    return np.where(label == 1, -np.log(probability), -np.log1p(-probability))


def log_loss(label: Labels, score: Scores | float, weight: Weights = None) -> float:
    """Mean negative log likelihood, in nats; lower is better."""
    return float(np.average(log_losses(label, score), weights=weight))


def squared_errors(label: Labels, score: Scores | float) -> NDArray[np.float64]:
    """float64[n]."""
    difference: NDArray[np.float64] = np.asarray(score, np.float64) - label
    return difference * difference


def brier(label: Labels, score: Scores | float, weight: Weights = None) -> float:
    """Mean squared error of probabilities (Brier 1950)."""
    return float(np.average(squared_errors(label, score), weights=weight))


def rmse(label: Labels, score: Scores | float, weight: Weights = None) -> float:
    """Root of the mean squared error, in the label's unit."""
    return float(np.sqrt(np.average(squared_errors(label, score), weights=weight)))


def mae(label: Labels, score: Scores | float, weight: Weights = None) -> float:
    """Mean absolute error, in the label's unit."""
    return float(np.average(np.abs(np.asarray(score, np.float64) - label), weights=weight))


def ece(label: Labels, score: Scores, weight: Weights = None, bins: int = 10) -> float:
    """Expected calibration error (Naeini et al. 2015), over bins that hold equally many rows: the mean distance, over
    rows, between what a bin said and what happened in it."""
    w = np.ones(len(label)) if weight is None else weight.astype(np.float64)
    distance = 0.0
    for rows in equal_bins(score, bins):
        if w[rows].sum() > 0:
            said, happened = np.average(score[rows], weights=w[rows]), np.average(label[rows], weights=w[rows])
            distance += float(w[rows].sum()) * abs(float(said) - float(happened))
    return distance / float(w.sum())


def equal_bins(score: Scores, bins: int) -> list[NDArray[np.intp]]:
    """Rows by rising score, in at most ``bins`` parts of about the same size; equal scores stay together."""
    order = np.argsort(score, kind="stable")
    if not len(order):
        return []
    ordered = score[order]
    cuts = np.searchsorted(ordered, ordered[[len(order) * one // bins for one in range(1, bins)]], side="left")
    return [part for part in np.split(order, np.unique(cuts)) if len(part)]
