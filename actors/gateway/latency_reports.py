"""Tells Insight every second how long this replica's decisions took. Nobody waits for it, and an absent Insight costs
a look for it every few seconds."""

from __future__ import annotations

import asyncio
from typing import Final

from actors.gateway.batching import ShardGone
from actors.gateway.metrics import Metrics
from actors.gateway.shards import ActorFailed, Backend
from models import canonical, limits

_REPORT_S: Final = limits.LATENCY_REPORT_MS / limits.SECOND_MS
_RETRY_S: Final = limits.LATENCY_RETRY_MS / limits.SECOND_MS
_ANSWER_S_MAX: Final = limits.INSIGHT_ANSWER_MS_MAX / limits.SECOND_MS


class LatencyReports:
    """Reports are cumulative: one that is lost changes nothing once the next is told."""

    def __init__(self, metrics: Metrics, backend: Backend) -> None:
        self._metrics = metrics
        self._backend = backend
        #: As told last.
        self._told = list(metrics.decided.counts)

    async def run(self) -> None:
        """For as long as the replica lives."""
        while True:
            is_told = await self.report()
            await asyncio.sleep(_REPORT_S if is_told else _RETRY_S)

    async def report(self) -> bool:
        """Tell what was answered since the last report, if anything was; False when Insight could not be told."""
        counts = list(self._metrics.decided.counts)
        if counts == self._told:
            return True
        try:
            async with asyncio.timeout(_ANSWER_S_MAX):
                await self._backend.insight("latencies", self._metrics.gateway, canonical.pack([counts, self._told]))
        except (TimeoutError, ShardGone, ActorFailed):
            return False
        self._told = counts
        return True
