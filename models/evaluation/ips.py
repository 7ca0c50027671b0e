"""Estimators that only weigh what was logged.

``ips``: inverse propensity scoring (Horvitz and Thompson 1952): unbiased when the policy can do nothing that the log
could not. ``snips``: self-normalised (Swaminathan and Joachims 2015): adding a constant to every reward adds it to the
estimate, and large weights count for less; biased by a term that vanishes with the number of rounds.
"""

from __future__ import annotations

from models.evaluation.estimate import Estimate, mean, ratio
from models.evaluation.log import Log
from models.evaluation.weights import Weights


def ips(log: Log, weights: Weights) -> Estimate:
    return mean(log, weights.whole * log.reward)


def snips(log: Log, weights: Weights) -> Estimate:
    """Where the policy shows nothing it earns 0 with the probability that it has: that counts in the divisor."""
    return ratio(log, weights.whole * log.reward, weights.whole + weights.nothing)
