"""Rows for the trees of the direct method: context, rank, and which action."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.evaluation.log import Integers, Log, Matrix, summed


@dataclass(frozen=True, slots=True)
class Encoding:
    """With few actions one column for each; with many their mean reward, shrunk to that of all, and how often each was
    shown, in the positions that the trees learn from: nothing of a predicted round is in them. What the trees learn
    from a position has these numbers without the position's own fold, or they would learn to trust too much in them.
    """

    features: tuple[str, ...]
    #: float32[folds + 1, actions, columns of an action]: without each fold, and of all that is learnt from.
    of_action: Matrix
    fold: Integers

    @staticmethod
    def of(log: Log, learning: NDArray[np.bool_], fold: Integers) -> Encoding:
        """``learning``: bool[n], the positions that the trees learn from; ``fold``: int64[n], 0 and on."""
        count, folds = len(log.action_ids), int(fold.max()) + 1
        if count <= limits.EVALUATION_ONE_HOT_MAX:
            columns = np.broadcast_to(np.eye(count, dtype=np.float32), (folds + 1, count, count))
            names = [f"action.{at}" for at in range(count)]
        else:
            masks = [learning & (fold != left_out) for left_out in range(folds)]
            columns = np.stack([_means(log, mask if mask.any() else learning) for mask in (*masks, learning)])
            names = ["action.mean", "action.shown"]
        context = [f"context.{at}" for at in range(len(log.features))]
        return Encoding((*context, "rank", *names), columns, fold)

    def rows(self, log: Log, positions: Integers, actions: Integers) -> Matrix:
        """float32[k, features] of pairs of a position and an action, to predict."""
        return _joined(log, positions, self.of_action[-1, actions])

    def learnt(self, log: Log, positions: Integers) -> Matrix:
        """float32[k, features] of positions with what they showed, to learn from."""
        return _joined(log, positions, self.of_action[self.fold[positions], log.action[positions]])


def _joined(log: Log, positions: Integers, of_action: Matrix) -> Matrix:
    rank = log.rank[positions].astype(np.float32)[:, np.newaxis]
    return np.concatenate((log.context[positions], rank, of_action), axis=1)


def _means(log: Log, mask: NDArray[np.bool_]) -> Matrix:
    """float32[actions, 2]"""
    action, reward, count = log.action[mask], log.reward[mask], len(log.action_ids)
    shown = np.bincount(action, minlength=count)
    strength = limits.EVALUATION_ACTION_STRENGTH
    mean = (summed(action, reward, count) + strength * float(reward.mean())) / (shown + strength)
    return np.column_stack((mean, shown / mask.sum())).astype(np.float32)
