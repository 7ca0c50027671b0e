"""Switch-DR (Wang, Agarwal and Dudik 2017): doubly robust where the weight is at most a threshold, the direct method's
model alone where it is larger.

A threshold of 0 gives the direct method, an infinite one the doubly robust estimator. Chosen as the paper says: of 21
thresholds, spaced evenly in the logarithm from the smallest to the largest weight, the one with the least sum of the
estimated variance and the square of a bound of the bias. The bound is the policy's probability of having a larger
weight (estimated by those weights themselves, at most 1) times the span of the rewards: no knowledge of the model's
errors is assumed, so that the estimator leaves the doubly robust one only where that pays for certain.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from models.evaluation.direct import Predicted
from models.evaluation.estimate import Estimate, mean
from models.evaluation.log import Log, Numbers
from models.evaluation.weights import Weights

_THRESHOLDS: Final = 21


def switch_dr(log: Log, weights: Weights, predicted: Predicted, threshold: float) -> Estimate:
    """Corrects by weights up to ``threshold`` (inclusive; a threshold of 0 corrects nowhere)."""
    return mean(log, _scores(log, weights, predicted, threshold))


def best_threshold(log: Log, weights: Weights, predicted: Predicted) -> float:
    """The chosen threshold; of equally good ones the largest."""
    positive = weights.whole[weights.whole > 0.0]
    if not positive.size:
        return 0.0
    span = float(np.ptp(log.reward))
    least = (np.inf, 0.0)
    largest = weights.largest
    for tried in [largest, *np.geomspace(positive.min(), largest, _THRESHOLDS)[-2::-1]]:
        se = switch_dr(log, weights, predicted, tried).se or 0.0
        beyond = min(1.0, float(weights.whole[weights.whole > tried].sum()) / len(log))
        least = min(least, (se**2 + (beyond * span) ** 2, tried), key=lambda pair: pair[0])
    return float(least[1])


def _scores(log: Log, weights: Weights, predicted: Predicted, threshold: float) -> Numbers:
    correcting = np.where(weights.whole <= threshold, weights.whole, 0.0)
    return log.above * predicted.expected + correcting * (log.reward - predicted.shown)
