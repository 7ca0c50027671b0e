"""A scorer in another process, behind a line that carries bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from actors.scoring import wire
from actors.scoring.interface import Matrix, Wanted


class Line(Protocol):
    """Both may raise anything."""

    async def find(self, first: Sequence[bytes] = ()) -> None:
        """Find whom to ask, or find again; see ``Scorer.find``. Another one than before answers ``first`` (in whichever
        way) before it is asked anything else."""

    async def call(self, request: bytes) -> bytes:
        """``actors.scoring.wire``."""


class RemoteScorer:
    def __init__(self, line: Line) -> None:
        self._line = line

    async def find(self, wanted: Wanted = ()) -> None:
        rows = [(version, np.zeros((1, columns), np.float32)) for version, columns in wanted]
        await self._line.find([wire.pack_asked(version, row) for version, row in rows])
        await self.ping()

    async def ping(self) -> None:
        await self._line.call(wire.PING)

    async def predict(self, version: str, matrix: Matrix) -> NDArray[np.float32]:
        return wire.unpack_scores(await self._line.call(wire.pack_asked(version, matrix)), version)

    async def contributions(self, version: str, matrix: Matrix) -> NDArray[np.float32]:
        answer = await self._line.call(wire.pack_asked(version, matrix, explain=True))
        return wire.unpack_contributions(answer, version, matrix.shape[1])
