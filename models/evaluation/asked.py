"""What the direct method asks its model: the policy's choices, each different pair of context and action once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.log import Integers, Log, Numbers, Policy, summed

#: (positions, actions) -> predicted rewards.
Predict = Callable[[Integers, Integers], Numbers]


@dataclass(frozen=True, slots=True)
class Part:
    """The policy at some positions."""

    positions: Integers
    #: Pairs to predict: one for all positions whose context and rank are the same.
    pair_positions: Integers
    pair_actions: Integers
    #: Per entry of the policy: its place in ``positions``, its pair, its probability.
    places: Integers
    pairs: Integers
    probability: Numbers

    def expectations(self, predict: Predict) -> Numbers:
        """float64[len(positions)]: sum over actions of probability times predicted reward."""
        predicted = predict(self.pair_positions, self.pair_actions)[self.pairs]
        return summed(self.places, self.probability * predicted, len(self.positions))


class Asked:
    def __init__(self, log: Log, policy: Policy) -> None:
        self._log = log
        self._policy = policy
        self._first, self._alike = _alike(log)

    def at(self, mask: NDArray[np.bool_]) -> Part:
        """The positions of a mask (bool[n])."""
        log, policy = self._log, self._policy
        positions = np.flatnonzero(mask)
        entries = np.flatnonzero(mask[policy.position])
        places = np.searchsorted(positions, policy.position[entries])
        count = len(log.action_ids)
        keys = self._alike[policy.position[entries]] * count + policy.action[entries]
        different, pairs = np.unique(keys, return_inverse=True)
        return Part(
            positions, self._first[different // count], different % count, places, pairs.reshape(-1),
            policy.probability[entries],
        )


def _alike(log: Log) -> tuple[Integers, Integers]:
    """(a position of each different context and rank, which of these each position has)."""
    rows = np.ascontiguousarray(np.column_stack((log.context.view(np.int32), log.rank.astype(np.int32))))
    whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).reshape(-1)
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    return first, inverse.reshape(-1)
