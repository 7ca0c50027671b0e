"""The direct method's expectation, corrected by the weighted errors of its model (Robins, Rotnitzky and Zhao 1994; for
policies Dudik, Langford and Li 2011).

Right when either the logged probabilities or the model are, and as exact as the model leaves little to explain. With
positions below others it is the doubly robust estimator step by step (Jiang and Li 2016), of rewards that the items
below do not touch.
"""

from __future__ import annotations

from models.evaluation.direct import Predicted
from models.evaluation.estimate import Estimate, mean
from models.evaluation.log import Log, Numbers
from models.evaluation.weights import Weights


def scores(log: Log, weights: Weights, predicted: Predicted) -> Numbers:
    """float64[n], whose mean is the estimate."""
    return log.above * predicted.expected + weights.whole * (log.reward - predicted.shown)


def doubly_robust(log: Log, weights: Weights, predicted: Predicted) -> Estimate:
    return mean(log, scores(log, weights, predicted))
