"""A turn as waves: commands of each customer in order, all decisions of a wave scored by one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.profile.state import Profile
from models.turn.commands import Command
from models.turn.keys import KeyPair, Remembered
from models.turn.results import TurnResult
from models.turn.shard_state import ShardState


@dataclass(slots=True)
class Wave:
    """One decision per customer at most; score ``matrix`` and hand the scores to ``Turn.resolve``."""

    #: float32 [rows, features]; no columns without a scorer, no rows when nothing is to be scored.
    matrix: NDArray[np.float32]
    #: The scorer that the matrix was laid out for; None without one.
    scorer_version: str | None
    decisions: list[Any]

    @property
    def rows(self) -> int:
        return int(self.matrix.shape[0])


class Turn:
    def __init__(
        self, state: ShardState, commands: list[Command], profiles: Mapping[bytes, Profile | None],
        known: Mapping[KeyPair, Remembered], now_ms: int, turn_seed: bytes,
    ) -> None:
        raise NotImplementedError

    def next_wave(self) -> Wave | None:
        """Work up to the next decisions. None: every command is answered, call ``finish``."""
        raise NotImplementedError

    def resolve(self, wave: Wave, scores: NDArray[np.float32] | None, degraded: bool, wall_ms: int = 0) -> None:
        """Decide the wave. ``scores``: float32[wave.rows] or None (evidence alone). With ``wall_ms`` decisions whose
        deadline has passed answer 504 and leave no fact."""
        raise NotImplementedError

    def finish(self) -> TurnResult:
        raise NotImplementedError
