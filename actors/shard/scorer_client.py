"""Asking the scorer, with a deadline and a breaker: a scorer that is gone costs a decision nothing.

The breaker opens after a few failures in a row. While it is open nobody waits: decisions rest on evidence alone and say
``degraded``, and a background probe, off the decisions' path, closes it when the scorer answers again.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

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
    #: float32[rows to explain, features + 1], log-odds; None when nobody asked, or the scorer did not say in time.
    contributions: NDArray[np.float32] | None = None


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

    async def contributions(
        self, version: str, matrix: NDArray[np.float32], wait_ms: float
    ) -> NDArray[np.float32] | None:
        """float32[rows, features + 1] in log-odds for a few rows; None when they do not come within ``wait_ms``, which
        no breaker counts: an explanation does without."""
        if self.open:
            return None
        try:
            async with asyncio.timeout(wait_ms / 1_000):
                answer = await self._answer(version, matrix, explain=True)
            rows, columns = matrix.shape
            return _finite(answer["contributions"], (rows, columns + 1))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.debug("no contributions from the scorer", error=type(error).__name__)
            return None

    async def _ask(self, version: str | None, matrix: NDArray[np.float32]) -> NDArray[np.float32] | None:
        answer = await self._answer(version, matrix)
        return None if version is None else _finite(answer["scores"], (len(matrix),))

    async def _answer(self, version: str | None, matrix: NDArray[np.float32], **more: bool) -> dict[str, Any]:
        rows, columns = matrix.shape
        data = np.ascontiguousarray(matrix, "<f4").tobytes()
        request = {"version": version, "rows": rows, "cols": columns, "data": data, **more}
        answer: dict[str, Any] = unpack(await self._call(pack(request)))
        if version is not None and answer["version"] != version:
            raise ValueError("the answer is of another scorer version")
        return answer

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


def _finite(data: bytes, shape: tuple[int, ...]) -> NDArray[np.float32]:
    numbers: NDArray[np.float32] = np.frombuffer(data, "<f4")
    if numbers.size != math.prod(shape) or not np.isfinite(numbers).all():
        raise ValueError("the answer has other rows, or numbers that are not finite")
    return numbers.reshape(shape)
