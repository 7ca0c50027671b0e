"""Reading the shards, each by a task of its own. Who has nothing new holds the question for a while, so that nothing is
spent on silence; who has much is asked for the next page at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from ray.exceptions import RayError

from actors.insight.counting import Counting
from actors.insight.wire import page_of
from models import limits
from models.errors import KairosError

log = structlog.get_logger(__name__)
#: (shard, method, arguments): of the incarnation that serves. Raises NotServing, RayError or TimeoutError.
CallShard = Callable[..., Awaitable[Any]]


def monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class Tailing:
    def __init__(self, counting: Counting, call: CallShard) -> None:
        self._counting, self._call = counting, call
        self._silent: set[int] = set()

    async def run(self, shard: int) -> None:
        """For ever."""
        while True:
            standing = self._counting.standings[shard]
            began = monotonic_ms()
            is_heard = await self.read(shard, limits.FEED_WAIT_MS)
            took = monotonic_ms() - began
            if not is_heard:
                await asyncio.sleep(limits.FEED_RETRY_MS / limits.SECOND_MS)
            elif standing.is_behind:
                # As long as the page took: a shard that feeds from its journal has turns to make, too.
                await asyncio.sleep(min(took, limits.FEED_GATHER_MS) / limits.SECOND_MS)
            else:
                await asyncio.sleep(max(0, limits.FEED_GATHER_MS - took) / limits.SECOND_MS)

    async def read(self, shard: int, wait_ms: int) -> bool:
        """One page. False when the shard cannot be reached."""
        after = self._counting.standings[shard].seq
        try:
            async with asyncio.timeout(limits.FEED_ANSWER_MS_MAX / limits.SECOND_MS):
                data = await self._call(shard, "feed", after, limits.FEED_PAGE_ROWS_MAX, wait_ms)
        except (KairosError, RayError, ConnectionError, TimeoutError) as error:
            if shard not in self._silent:
                self._silent.add(shard)
                log.info("a shard cannot be read", shard=shard, error=type(error).__name__)
            return False
        self._silent.discard(shard)
        await self._counting.take(shard, page_of(data), monotonic_ms())
        return True

    async def finish(self, shard: int) -> None:
        """Read to the end, as far as that goes within the time that there is."""
        async with asyncio.timeout(limits.INSIGHT_DRAIN_MS_MAX / limits.SECOND_MS):
            while await self.read(shard, 0) and self._counting.standings[shard].is_behind:
                continue
