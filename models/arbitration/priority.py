"""priority = propensity^a x context^b x value^c x lever^d, rounded once and ranked as rounded."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from models.arbitration.preparation import Preparation, Ranked
from models.canonical import significant
from models.catalog.plan import Arbitration
from models.errors import InvariantBroken


def power(base: float, exponent: float) -> float:
    """``base ** exponent`` without errors: exponent 0 switches a factor off, a base of 0 or less is 0."""
    if exponent == 0.0:
        return 1.0
    if base <= 0.0:
        return 0.0
    if exponent == 1.0:
        return base
    try:
        return float(base**exponent)
    except OverflowError:
        return sys.float_info.max


def priority(rules: Arbitration, propensity: float, context: float, value: float, lever: float) -> float:
    product = (
        power(propensity, rules.propensity) * power(context, rules.context) * power(value, rules.value)
        * power(lever, rules.lever)
    )
    return significant(min(product, sys.float_info.max))


def rank(preparation: Preparation, scores: NDArray[np.float32] | None) -> dict[int, Ranked]:
    """Action index -> its numbers, of every scored action, in plan order. Raises when the scores are not theirs."""
    plan, scored = preparation.plan, preparation.scored
    rules = plan.arbitration
    found = zip(
        scored.tolist(), _propensities(preparation, scores).tolist(), preparation.context_weights,
        plan.value[scored].tolist(), plan.lever[scored].tolist(), strict=True,
    )
    ranked: dict[int, Ranked] = {}
    for action, raw, weight, value, lever in found:
        propensity = significant(raw)
        ranked[action] = Ranked(action, propensity, weight, priority(rules, propensity, weight, value, lever))
    return ranked


def _propensities(preparation: Preparation, scores: NDArray[np.float32] | None) -> NDArray[np.float64]:
    """Scores as probabilities; where one is no number, the evidence."""
    evidence: NDArray[np.float64] = preparation.evidence[preparation.scored]
    if scores is None:
        return evidence
    if scores.shape != evidence.shape:
        raise InvariantBroken(f"scores of shape {scores.shape} came for {len(evidence)} actions")
    return np.where(np.isfinite(scores), np.clip(scores.astype(np.float64), 0.0, 1.0), evidence)
