"""Asking the scorer, with a deadline and a breaker: a scorer that is gone costs a decision nothing.

Failures count by version: one that fails alone rests alone (``actors.shard.scorer_standings``). The breaker opens when
the scorer is gone, or when all versions asked lately rest. While it is open nobody waits: decisions rest on evidence
alone and say ``degraded``, and a background probe, off the decisions' path, closes it when the scorer answers again. A
scorer that answers the probe and nothing else (too slow for what it is asked, or broken) is probed less and less often.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from actors.scoring.interface import Matrix, Scorer, ScorerGoneError, Wanted
from actors.shard.scorer_standings import ScorerStandings
from models import limits
from models.turn.wave_parts import DEGRADED, Scored

log = structlog.get_logger(__name__)
T = TypeVar("T")


class ScorerClient:
    def __init__(self, scorer: Scorer, now_s: Callable[[], float] = time.monotonic) -> None:
        self._scorer = scorer
        #: Whose scores will be asked for: they are in memory wherever a probe finds a scorer.
        self.wanted: Callable[[], Wanted] = tuple
        self._standings = ScorerStandings(now_s)
        #: How long the next probe waits, because those before it promised too much.
        self._pause_ms = 0
        #: Open at first: the first probe finds out whether a scorer is there.
        self.open = True
        self._opened = asyncio.Event()
        self._opened.set()

    async def score(self, version: str | None, matrix: Matrix, wait_ms: float) -> Scored:
        """Scores for the rows of a wave within ``wait_ms``; degraded when they do not come. Version None: no scores are
        wanted, but whether a scorer is there."""
        if self.open or not self._standings.may_ask(version):
            return DEGRADED
        try:
            scores = await _within(wait_ms, self._ask(version, matrix))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._failed(version, error)
            return DEGRADED
        self._standings.answered(version)
        self._pause_ms = 0
        return Scored(scores, False)

    async def contributions(self, version: str, matrix: Matrix, wait_ms: float) -> NDArray[np.float32] | None:
        """float32[rows, features + 1] in log-odds for a few rows; None when they do not come within ``wait_ms``, which
        no breaker counts: an explanation does without."""
        if self.open:
            return None
        try:
            found = await _within(wait_ms, self._scorer.contributions(version, matrix))
            return _checked(found, (len(matrix), matrix.shape[1] + 1))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.debug("no contributions from the scorer", error=type(error).__name__)
            return None

    async def numbers(self, version: str, matrix: Matrix, wait_ms: float) -> NDArray[np.float32]:
        """float32[rows] for whoever can wait: no breaker counts that they did not come. Raises whatever went wrong."""
        if self.open:
            raise ScorerGoneError("the scorer is gone; ask again when it is found")
        return _checked(await _within(wait_ms, self._scorer.predict(version, matrix)), (len(matrix),))

    async def warm(self, wanted: Wanted) -> list[str]:
        """Have these versions in memory where scores come from. Returns those of which somebody who is there cannot
        say a score; none while nobody is there, who loads them when it is found."""
        failed = []
        for version, columns in wanted:
            try:
                await self.numbers(version, np.zeros((1, columns), np.float32), limits.SCORER_WARM_WAIT_MS_MAX)
            except asyncio.CancelledError:
                raise
            except ScorerGoneError:
                return []
            except Exception as error:
                log.warning("a scorer cannot be asked", version=version, error=type(error).__name__, detail=str(error))
                failed.append(version)
        return failed

    async def _ask(self, version: str | None, matrix: Matrix) -> NDArray[np.float32] | None:
        if version is None:
            await self._scorer.ping()
            return None
        return _checked(await self._scorer.predict(version, matrix), (len(matrix),))

    def _failed(self, version: str | None, error: Exception) -> None:
        # Who is known to be gone is looked for at once; who is late or wrong may be right the next time.
        gone = isinstance(error, ScorerGoneError)
        if (self._standings.failed(version, error) or gone) and not self.open:
            self.open = True
            self._opened.set()
            log.warning("scorer breaker opens", version=version, error=type(error).__name__)

    async def probe(self) -> bool:
        """Find a scorer that answers; closes the breaker when there is one."""
        try:
            async with asyncio.timeout(limits.SCORER_PROBE_WAIT_MS_MAX / 1_000):
                await self._scorer.find(self.wanted())
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.debug("scorer probe failed", error=type(error).__name__)
            return False
        if self.open:
            log.info("scorer breaker closes")
            self._standings.forget()
        self.open = False
        self._opened.clear()
        return True

    async def keep_probing(self) -> None:
        """The background task: probes as long as the breaker is open, and now and then while it is not."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limits.SCORER_LOOK_MS / 1_000):
                    await self._opened.wait()
            was_open = self.open
            if was_open and self._pause_ms:
                await asyncio.sleep(self._pause_ms / 1_000)
            if not await self.probe():
                await asyncio.sleep(limits.BREAKER_PROBE_MS / 1_000)
            elif was_open:
                # Until a score has come, this was a promise.
                longer_ms = max(limits.BREAKER_PROBE_MS, 2 * self._pause_ms)
                self._pause_ms = min(longer_ms, limits.BREAKER_PAUSE_MS_MAX)


async def _within(wait_ms: float, work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` gives within its time; raises TimeoutError, or what it raises.

    A process that was kept from its CPU finds answer and alarm together when it is back: the answer counts."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    task = loop.create_task(work)
    task.add_done_callback(lambda _: _end(over))
    timer = loop.call_later(wait_ms / 1_000, _end, over)
    try:
        await over
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        timer.cancel()
        task.cancel()


def _end(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _checked(numbers: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    if numbers.shape != shape or not np.isfinite(numbers).all():
        raise ValueError("the answer has other rows, or numbers that are not finite")
    return numbers
