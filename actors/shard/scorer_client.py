"""Asking the scorer, with a deadline and a breaker: a scorer that is gone costs a decision nothing.

The breaker opens after a few failures in a row. While it is open nobody waits: decisions rest on evidence alone and say
``degraded``, and a background probe, off the decisions' path, closes it when the scorer answers again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from models import limits
from models.canonical import pack, unpack

log = structlog.get_logger(__name__)

#: Request bytes -> answer bytes, see ``actors.scorer``. May raise anything.
CallScorer = Callable[[bytes], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Scored:
    #: float32[rows]; None without a champion, or degraded.
    scores: NDArray[np.float32] | None
    degraded: bool


class ScorerClient:
    def __init__(self, call: CallScorer) -> None:
        self._call = call
        self._failures = 0
        #: Open at first: the first probe finds out whether a scorer is there.
        self.open = True
        self._opened = asyncio.Event()
        self._opened.set()

    async def score(self, version: str | None, matrix: NDArray[np.float32], wait_ms: float) -> Scored:
        """Scores for the rows of a wave within ``wait_ms``; degraded when they do not come."""
        if self.open:
            return Scored(None, True)
        try:
            async with asyncio.timeout(wait_ms / 1_000):
                scores = await self._ask(version, matrix)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._failed(error)
            return Scored(None, True)
        self._failures = 0
        return Scored(scores, False)

    async def _ask(self, version: str | None, matrix: NDArray[np.float32]) -> NDArray[np.float32] | None:
        rows, columns = matrix.shape
        data = np.ascontiguousarray(matrix, "<f4").tobytes()
        answer = unpack(await self._call(pack({"version": version, "rows": rows, "cols": columns, "data": data})))
        if version is None:
            return None
        if answer["version"] != version:
            raise ValueError("the answer is of another scorer version")
        scores = np.frombuffer(answer["scores"], "<f4")
        if scores.shape != (rows,) or not np.isfinite(scores).all():
            raise ValueError("the answer has other rows, or numbers that are not finite")
        return scores

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures >= limits.BREAKER_FAILURES and not self.open:
            self.open = True
            self._opened.set()
            log.warning("scorer breaker opens", failures=self._failures, error=type(error).__name__)

    async def probe(self) -> bool:
        """Ask for nothing but an answer; closes the breaker when one comes."""
        nothing = pack({"version": None, "rows": 0, "cols": 0, "data": b""})
        try:
            async with asyncio.timeout(limits.SCORER_PROBE_WAIT_MS_MAX / 1_000):
                await self._call(nothing)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.debug("scorer probe failed", error=type(error).__name__)
            return False
        if self.open:
            log.info("scorer breaker closes")
        self.open = False
        self._failures = 0
        self._opened.clear()
        return True

    async def keep_probing(self) -> None:
        """The background task: probes as long as the breaker is open."""
        while True:
            await self._opened.wait()
            if not await self.probe():
                await asyncio.sleep(limits.BREAKER_PROBE_MS / 1_000)
