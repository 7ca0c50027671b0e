"""The coordinator's calls of the shards. Never awaited by a decision, and none is needed for safety: a shard that
misses a poke asks by itself within a second."""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog
from ray.exceptions import RayTaskError

from actors.directory import Directory
from models.errors import NotServing

_LOG = structlog.get_logger(__name__)


class Shards(Protocol):
    def poke(self, shard: int) -> None:
        """Ask a shard to report at once; returns before it does."""

    async def advance(self, shard: int, instructions: bytes) -> bool:
        """Hand a shard its instructions with a new clock; True once it stands there and due timers have fired."""


class RayShards:
    def __init__(self, directory: Directory | None = None) -> None:
        self._directory = directory or Directory()
        self._pokes: dict[int, asyncio.Task[None]] = {}

    def poke(self, shard: int) -> None:
        pending = self._pokes.get(shard)
        if pending is None or pending.done():
            self._pokes[shard] = asyncio.get_running_loop().create_task(self._poke(shard))

    async def _poke(self, shard: int) -> None:
        try:
            await self._directory.call(shard, "poke")
        except (NotServing, RayTaskError) as error:
            _LOG.debug("a shard could not be poked", shard=shard, error=str(error))

    async def advance(self, shard: int, instructions: bytes) -> bool:
        try:
            await self._directory.call(shard, "advance", instructions)
        except (NotServing, RayTaskError) as error:
            _LOG.warning("a shard did not hear of the new clock; it will by its next report", shard=shard,
                         error=str(error))
            return False
        return True
