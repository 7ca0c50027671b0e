"""The log and the policy to evaluate, as arrays, and what a policy's weights on a log are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]
Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Log:
    """n positions of G rounds."""

    #: G ids, by which rounds are named and hashed; A ids of every action of log and policy.
    round_ids: Sequence[object]
    action_ids: Sequence[object]
    #: int64[n]: indexes into ``round_ids`` and ``action_ids``; any integer.
    round: Integers
    action: Integers
    rank: Integers
    #: float64[n]: finite; above 0 and at most 1.
    reward: Numbers
    selection: Numbers
    #: float32[n, features], NaN where absent: what was known when the action was chosen.
    features: tuple[str, ...]
    context: Matrix
    #: float64[n], 0 or more: how many times likelier the policy makes what stands above a position than the log did.
    #: 1 where nothing stands above, or where the position is judged by itself.
    above: Numbers

    def __len__(self) -> int:
        return len(self.reward)

    @property
    def rounds(self) -> int:
        return len(self.round_ids)


@dataclass(frozen=True, slots=True)
class Policy:
    """m probabilities, in the order of the positions that they are for. An action that is not listed has none; what
    lacks to 1 at a position is the probability that the policy shows nothing there, which earns 0."""

    #: int64[m]: index of the position in the log, ascending; index into ``Log.action_ids``.
    position: Integers
    action: Integers
    #: float64[m], 0 to 1.
    probability: Numbers


def in_order(position: Integers, action: Integers, probability: Numbers) -> Policy:
    """A policy from entries in any order; those of probability 0 are left out."""
    kept = np.flatnonzero(probability > 0.0)
    kept = kept[np.argsort(position[kept], kind="stable")]
    return Policy(position[kept], action[kept], probability[kept])


def chances(log: Log, policy: Policy) -> Numbers:
    """float64[n]: the policy's probability of what was shown."""
    matching = policy.action == log.action[policy.position]
    return summed(policy.position[matching], policy.probability[matching], len(log))


def masses(log: Log, policy: Policy) -> Numbers:
    """float64[n]: the sum of the policy's probabilities at each position."""
    return summed(policy.position, policy.probability, len(log))


def summed(places: Integers, values: Numbers, count: int) -> Numbers:
    """float64[count]: the sum of the values at each place."""
    return np.asarray(np.bincount(places, values, minlength=count), np.float64)
