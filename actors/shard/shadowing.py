"""Shadows score what others decided: after the answer, and only as far as that holds up nobody.

A turn hands over references to what it showed. They wait in a bounded queue, are scored one turn at a time by every
shadow, and what a shadow gave is told to whoever compares it with what decided, when the labels come. Where the queue
is full, decisions are dropped and counted: a shadow sees a sample then. No breaker counts a shadow that fails.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from actors.shard.parts import ShardParts
from models import limits
from models.turn.results import TurnResult
from models.turn.shadowed import ToShadow

log = structlog.get_logger(__name__)
#: Told of every decision that a shadow scored: decision id, the shadow's version, its score by action shown.
Tell = Callable[[str, str, Mapping[str, float]], None]


class Numbers(Protocol):
    """What shadows need of ``ScorerClient``."""

    async def numbers(self, version: str, matrix: NDArray[np.float32], wait_ms: float) -> NDArray[np.float32]: ...


class Shadowing:
    def __init__(self, parts: ShardParts, scorer: Numbers, tell: Tell) -> None:
        self._parts = parts
        self._scorer = scorer
        self._tell = tell
        self._queue: deque[ToShadow] = deque()
        self._queued = 0
        self._filled = asyncio.Event()

    def see(self, result: TurnResult) -> None:
        """A turn is durable and answered. Costs next to nothing: the work is done later, or never."""
        shown = result.to_shadow
        if shown is None:
            return
        if self._queued + len(shown.decisions) > limits.SHADOW_QUEUED_MAX:
            self._parts.counters.totals["shadow_dropped"] += len(shown.decisions)
            return
        self._queue.append(shown)
        self._queued += len(shown.decisions)
        self._filled.set()

    async def run(self) -> None:
        """For ever: score what waits, a turn's decisions at a time."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._queue:
                shown = self._queue.popleft()
                await self._score(shown)
                self._queued -= len(shown.decisions)
                await asyncio.sleep(0)

    async def _score(self, shown: ToShadow) -> None:
        state, totals = self._parts.core.state, self._parts.counters.totals
        for version in state.active_roles.shadows:
            if state.plan is not shown.plan:  # its actions have other places now
                totals["shadow_dropped"] += len(shown.decisions)
                return
            if version not in state.active_roles.shadows:  # it lost its role while another one scored
                continue
            matrix = shown.matrix(state.layouts[version])
            try:
                scores = await self._scorer.numbers(version, matrix, limits.SHADOW_WAIT_MS_MAX)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.debug("a shadow did not score", version=version, error=type(error).__name__)
                totals["shadow_failed"] += len(shown.decisions)
                continue
            self._told(version, shown, scores)
            totals["shadowed"] += len(shown.decisions)

    def _told(self, version: str, shown: ToShadow, scores: NDArray[np.float32]) -> None:
        start = 0
        for decision in shown.decisions:
            own = scores[start : start + len(decision.actions)].tolist()
            self._tell(decision.decision_id, version, dict(zip(decision.actions, own, strict=True)))
            start += len(decision.actions)
