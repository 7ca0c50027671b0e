"""Rows for the trees of the direct method: context, rank, and which action."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.evaluation.log import Integers, Log, Matrix


@dataclass(frozen=True, slots=True)
class Encoding:
    """With few actions one column for each; with many their mean reward, shrunk to that of all, and how often each was
    shown. Both are those of the rows that the trees learn from, so that nothing of a predicted round is in them."""

    features: tuple[str, ...]
    #: float32[actions, columns of an action].
    of_action: Matrix

    @staticmethod
    def of(log: Log, learning: NDArray[np.bool_]) -> Encoding:
        count = len(log.action_ids)
        if count <= limits.EVALUATION_ONE_HOT_MAX:
            columns = np.eye(count, dtype=np.float32)
            names = [f"action.{at}" for at in range(count)]
        else:
            shown = np.bincount(log.action[learning], minlength=count)
            earned = np.bincount(log.action[learning], log.reward[learning], minlength=count)
            strength = limits.EVALUATION_ACTION_STRENGTH
            mean = (earned + strength * float(log.reward[learning].mean())) / (shown + strength)
            columns = np.column_stack((mean, shown)).astype(np.float32)
            names = ["action.mean", "action.shown"]
        context = [f"context.{at}" for at in range(len(log.features))]
        return Encoding((*context, "rank", *names), columns)

    def rows(self, log: Log, positions: Integers, actions: Integers) -> Matrix:
        """float32[k, features] of pairs of a position and an action."""
        rank = log.rank[positions].astype(np.float32)[:, np.newaxis]
        return np.concatenate((log.context[positions], rank, self.of_action[actions]), axis=1)
