"""``Scorer``: what a shard asks for scores, wherever the trees are. One contract suite runs on every implementation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import KairosError

Matrix = NDArray[np.float32]
#: (version, how many columns it reads) of scorers that will be asked.
Wanted = Sequence[tuple[str, int]]


class ScorerGoneError(KairosError):
    """There is no scorer to ask at this moment, and asking again will not help before ``find`` has found one."""


class Scorer(Protocol):
    """Every call may raise anything, may take for ever, and may be cancelled: who asks brings deadline and breaker."""

    async def find(self, wanted: Wanted = ()) -> None:
        """Have a scorer that answers, whatever that takes (imports, look-ups, loading): for a probe, not a decision.
        It has the wanted versions in memory then, but for those that it cannot load. Asked again now and then, it looks
        whether there is a better place to ask."""

    async def ping(self) -> None:
        """Returns when a scorer is there, whatever versions it has."""

    async def predict(self, version: str, matrix: Matrix) -> NDArray[np.float32]:
        """float32[rows, features] -> float32[rows]: probabilities of acceptance, of this version's trees."""

    async def contributions(self, version: str, matrix: Matrix) -> NDArray[np.float32]:
        """float32[rows, features] -> float32[rows, features + 1] in log-odds, for at most
        ``limits.EXPLAINED_ROWS_MAX`` rows; see ``models.scoring.booster``."""
