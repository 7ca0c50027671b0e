"""The direct method: a model of the reward, asked about everything that the policy could have shown.

Trees learn the reward from context, rank and action; each position is predicted by trees that never saw its round
(cross-fitting, Chernozhukov et al. 2018; folds by a hash of the round). How many trees is found once, by early stopping
on one fold. The estimate is only as right as this model: its standard error holds the chance in rounds and in the
model's training, not the model's bias. The latter chance is that of a jackknife over the folds, yet never less than
that of the mean of what the model leaves unexplained: no estimator without bias can be more certain than that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.evaluation.asked import Asked
from models.evaluation.encoding import Encoding
from models.evaluation.estimate import Estimate, mean
from models.evaluation.log import Integers, Log, Matrix, Numbers, Policy, masses
from models.scoring.booster import Grown, grow

_PARAMS: Final[Mapping[str, Any]] = {
    "tree_method": "hist", "max_depth": 4, "eta": 0.1, "min_child_weight": 1.0, "subsample": 0.8,
    "colsample_bynode": 0.5, "lambda": 1.0, "seed": 1,
}
_CHANCE: Final[Mapping[str, Any]] = {**_PARAMS, "objective": "binary:logistic", "eval_metric": "logloss"}
_AMOUNT: Final[Mapping[str, Any]] = {
    **_PARAMS, "objective": "reg:squarederror", "eval_metric": "rmse", "min_child_weight": 10.0, "base_score": 0.0,
}


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the model says, in units of the reward."""

    #: float64[n]: of what was shown; of the policy's choice (0 for the share in which it shows nothing).
    shown: Numbers
    expected: Numbers
    #: Of ``expected``'s mean, through the chance in the rows that the model learnt from.
    model_se: float
    folds: int
    trees: int


@dataclass(frozen=True, slots=True)
class _Scale:
    """Rewards as the trees learn them: chances as they are, amounts centred and in units of their deviation."""

    centre: float
    unit: float
    params: Mapping[str, Any]


def direct(log: Log, predicted: Predicted) -> Estimate:
    """The model's expectation of the policy. Where it lies below others, what stands above is weighted as in IPS."""
    sampled = mean(log, log.above * predicted.expected)
    se = None if sampled.se is None else float(np.hypot(sampled.se, predicted.model_se))
    return Estimate(sampled.value, se, max(1, min(sampled.freedom, predicted.folds - 1)))


def cross_fit(log: Log, policy: Policy, threads: int = 1) -> Predicted:
    """Predict every position, and the policy's choices there, by trees that did not see its round."""
    folds = min(limits.EVALUATION_FOLDS, log.rounds)
    scale = _scale(log.reward)
    threads = threads if len(log) >= limits.EVALUATION_THREADED_POSITIONS else 1
    if folds < 2 or scale is None:
        constant = float(log.reward.mean())
        listed = masses(log, policy)
        return Predicted(np.full(len(log), constant), constant * np.minimum(listed, 1.0), 0.0, folds, 0)
    fold = fold_of(log, folds)
    trees = _trees(log, fold, scale, threads)
    asked = Asked(log, policy)
    sample = asked.at(fold_of(log, log.rounds) < limits.EVALUATION_JACKKNIFE_ROUNDS)
    shown, expected, values = np.empty(len(log)), np.zeros(len(log)), np.empty(folds)
    for left_out in range(folds):
        model = _Model.of(log, fold, left_out, scale, trees, threads)
        own = asked.at(fold == left_out)
        expected[own.positions] = own.expectations(model.predict)
        shown[own.positions] = model.predict(own.positions, log.action[own.positions])
        values[left_out] = float((log.above[sample.positions] * sample.expectations(model.predict)).mean())
    spread = values - values.mean()
    jackknife = float(np.sqrt((folds - 1) / folds * float(spread @ spread)))
    noise = mean(log, log.above * (log.reward - shown)).se or 0.0
    return Predicted(shown, expected, max(jackknife, noise), folds, trees)


def fold_of(log: Log, folds: int) -> Integers:
    """int64[n]: rounds in the order of a hash of their ids, dealt into folds that are alike in size."""
    hashes = [hashlib.blake2b(repr(id_).encode(), digest_size=8).digest() for id_ in log.round_ids]
    places = np.empty(log.rounds, np.int64)
    places[np.argsort(np.array(hashes, "S8"), kind="stable")] = np.arange(log.rounds)
    return (places % folds)[log.round]


@dataclass(frozen=True, slots=True)
class _Model:
    encoding: Encoding
    trees: Grown
    scale: _Scale
    log: Log

    @staticmethod
    def of(log: Log, fold: Integers, left_out: int, scale: _Scale, trees: int, threads: int) -> _Model:
        encoding = Encoding.of(log, fold != left_out, fold)
        grown = grow(encoding.features, _learnt(log, encoding, fold != left_out, scale), None, rounds=trees,
                     threads=threads, params=scale.params)
        return _Model(encoding, grown, scale, log)

    def predict(self, positions: Integers, actions: Integers) -> Numbers:
        """float64[k] of pairs of a position and an action."""
        found = np.empty(len(positions))
        step = limits.EVALUATION_ROWS_AT_ONCE
        for start in range(0, len(positions), step):
            part = slice(start, start + step)
            found[part] = self.trees.predict(self.encoding.rows(self.log, positions[part], actions[part]))
        return self.scale.centre + self.scale.unit * found


def _scale(reward: Numbers) -> _Scale | None:
    """None when there is nothing to learn: all rewards alike."""
    if np.all(reward == reward[0]):
        return None
    if np.all((reward == 0.0) | (reward == 1.0)):
        return _Scale(0.0, 1.0, _CHANCE)
    return _Scale(float(reward.mean()), float(reward.std()) or 1.0, _AMOUNT)


def _trees(log: Log, fold: Integers, scale: _Scale, threads: int) -> int:
    """How many trees: grown on all folds but the first until they stop helping there."""
    learning = fold != 0
    encoding, later = Encoding.of(log, learning, fold), np.flatnonzero(~learning)
    return grow(
        encoding.features, _learnt(log, encoding, learning, scale),
        _labelled(log, encoding.rows(log, later, log.action[later]), later, scale),
        rounds=limits.EVALUATION_TREES_MAX, patience=limits.EVALUATION_PATIENCE_TREES, threads=threads,
        params=scale.params,
    ).rounds


def _learnt(log: Log, encoding: Encoding, mask: NDArray[np.bool_], scale: _Scale) -> Any:
    places = np.flatnonzero(mask)
    return _labelled(log, encoding.learnt(log, places), places, scale)


def _labelled(log: Log, matrix: Matrix, places: Integers, scale: _Scale) -> Any:
    """(matrix, label, weight) as the trees take them."""
    label = ((log.reward[places] - scale.centre) / scale.unit).astype(np.float32)
    return matrix, label, np.ones(len(places), np.float32)
