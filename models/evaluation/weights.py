"""Importance weights, and how much of the log they leave to learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models import limits
from models.evaluation.log import Integers, Log, Numbers, Policy, chances, masses, summed


@dataclass(frozen=True, slots=True)
class Weights:
    #: float64[n]: of the shown action at its position, and with what stands above it.
    own: Numbers
    whole: Numbers
    #: float64[n]: probability that the policy shows nothing here, times the weight of what stands above.
    nothing: Numbers

    @property
    def largest(self) -> float:
        return float(self.whole.max(initial=0.0))


def weigh(log: Log, policy: Policy) -> Weights:
    own = chances(log, policy) / log.selection
    lacking = 1.0 - masses(log, policy)
    nothing = np.where(lacking > limits.EVALUATION_SUM_TOLERANCE, lacking, 0.0)
    return Weights(own, log.above * own, log.above * nothing)


def effective(weights: Numbers) -> float:
    """Effective sample size (Kish 1965): of how many equal weights the mean would be as uncertain."""
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def effective_rounds(weights: Numbers, rounds: Integers, count: int) -> float:
    """The same where the positions of a round count as one: never more than there are rounds."""
    return effective(summed(rounds, weights, count))
