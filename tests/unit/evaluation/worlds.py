"""Simulated logs whose truth is known: a context, a logging policy, a policy to evaluate, chances of a reward."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from models.evaluation.direct import Predicted
from models.evaluation.log import Log, Policy, in_order

ACTIONS = ("coupon", "news", "survey", "upgrade")
Array = NDArray[np.float64]


def softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class World:
    """n rounds of one position. ``reward`` is drawn from chances ``mean``, then times ``worth``."""

    x: Array
    logging: Array
    policy: Array
    mean: Array
    shown: NDArray[np.int64]
    reward: Array

    @property
    def truth(self) -> float:
        """The policy's value over these contexts."""
        return float((self.policy * self.mean).sum(axis=1).mean())

    def log(self, *, context: bool = True) -> Log:
        count = len(self.x)
        rows = np.arange(count)
        matrix = self.x[:, np.newaxis].astype(np.float32) if context else np.empty((count, 0), np.float32)
        return Log(
            range(count), ACTIONS, rows, self.shown, np.ones(count, np.int64), self.reward,
            self.logging[rows, self.shown], ("x",) if context else (), matrix, np.ones(count),
        )

    def listed(self) -> Policy:
        count, actions = self.policy.shape
        return in_order(np.repeat(np.arange(count), actions), np.tile(np.arange(actions), count), self.policy.ravel())

    def predicted(self, q: Array) -> Predicted:
        """A model that says ``q`` (float64[n, actions])."""
        return Predicted(q[np.arange(len(self.x)), self.shown], (self.policy * q).sum(axis=1), 0.0, 10, 1)

    def shifted(self, by: float) -> World:
        return replace(self, reward=self.reward + by)


def world(rounds: int, seed: int, *, keen: float = 0.5, rich: float = 1.0) -> World:
    """``keen``: how much the logging policy prefers what the policy to evaluate avoids (0: uniform); ``rich``: how much
    rewards depend on context and action."""
    random = np.random.default_rng(seed)
    x = random.normal(size=rounds)
    slope = np.linspace(-1.0, 1.0, len(ACTIONS))
    scores = np.outer(x, slope)
    logging, policy = softmax(-keen * scores), softmax(scores + slope)
    mean = 1.0 / (1.0 + np.exp(0.5 - rich * (scores + 0.5 * slope)))
    shown = (logging.cumsum(axis=1) > random.random((rounds, 1))).argmax(axis=1)
    reward = (random.random(rounds) < mean[np.arange(rounds), shown]).astype(np.float64)
    return World(x, logging, policy, mean, shown, reward)


def write(path: Path, columns: dict[str, object]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def files(one: World, folder: Path, *, context: bool = True) -> tuple[Path, Path]:
    """The log and the policy as `kairos evaluate` reads them."""
    count = len(one.x)
    rounds = [f"r{at}" for at in range(count)]
    further = {"x": one.x, "half": np.where(one.x > 0, "upper", "lower")} if context else {}
    log = write(folder / "log.parquet", {
        "round_id": rounds, "action": [ACTIONS[at] for at in one.shown], "rank": np.ones(count, np.int64),
        "reward": one.reward, "selection_probability": one.logging[np.arange(count), one.shown], **further,
    })
    policy = write(folder / "policy.parquet", {
        "round_id": np.repeat(rounds, len(ACTIONS)), "action": np.tile(ACTIONS, count),
        "rank": np.ones(count * len(ACTIONS), np.int64), "probability": one.policy.ravel(),
    })
    return log, policy
