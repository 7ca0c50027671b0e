"""The coordinator's calls of the shards. Never awaited by a decision, and none is needed for safety: a shard that
misses a poke asks by itself within a second."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import ray
import structlog
from ray.exceptions import RayError

from actors import naming

_LOG = structlog.get_logger(__name__)


class Shards(Protocol):
    def poke(self, shard: int) -> None:
        """Ask a shard to report at once; returns before it does."""

    async def advance(self, shard: int, instructions: bytes) -> bool:
        """Hand a shard its instructions with a new clock; True once it stands there and due timers have fired."""


class RayShards:
    def __init__(self) -> None:
        self._handles: dict[int, Any] = {}
        self._pokes: dict[int, asyncio.Task[None]] = {}

    def poke(self, shard: int) -> None:
        pending = self._pokes.get(shard)
        if pending is None or pending.done():
            self._pokes[shard] = asyncio.get_running_loop().create_task(self._poke(shard))

    async def _poke(self, shard: int) -> None:
        try:
            await (await self._handle(shard)).poke.remote()
        except (RayError, ValueError) as error:
            self._handles.pop(shard, None)
            _LOG.debug("a shard could not be poked", shard=shard, error=str(error))

    async def advance(self, shard: int, instructions: bytes) -> bool:
        try:
            await (await self._handle(shard)).advance.remote(instructions)
        except (RayError, ValueError) as error:
            self._handles.pop(shard, None)
            _LOG.warning("a shard did not hear of the new clock; it will by its next report", shard=shard,
                         error=str(error))
            return False
        return True

    async def _handle(self, shard: int) -> Any:
        """Raises ValueError when there is no such actor."""
        handle = self._handles.get(shard)
        if handle is None:
            name = naming.shard_name(shard)
            handle = await asyncio.to_thread(ray.get_actor, name, namespace=naming.NAMESPACE)
            self._handles[shard] = handle
        return handle
