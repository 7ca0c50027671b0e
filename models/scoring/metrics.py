"""How good predicted probabilities were, judged on rows that came later."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_TINY = 1e-7


def auc(label: NDArray[np.uint8], score: NDArray[np.float32]) -> float:
    """Area under the ROC curve: the chance that an accepted row outranks another; ties count half.

    Rank sum of Mann and Whitney (1947). NaN when one class is absent.
    """
    positives = int(label.sum())
    negatives = len(label) - positives
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2.0
    rank_sum = float(mean_rank[inverse][label == 1].sum())
    return (rank_sum - positives * (positives + 1) / 2.0) / (positives * negatives)


def log_loss(label: NDArray[np.uint8], score: NDArray[np.float32] | float) -> float:
    """Mean negative log likelihood, in nats; lower is better."""
    probability = np.clip(np.asarray(score, np.float64), _TINY, 1.0 - _TINY)
    losses = np.where(label == 1, -np.log(probability), -np.log1p(-probability))
    return float(losses.mean())
