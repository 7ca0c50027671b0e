"""The live actors behind the gateway, found by name and found again after they died. The only module with Ray calls."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import ray
from ray.exceptions import RayError, RayTaskError

from actors import naming
from actors.gateway.batching import ShardGone
from models.errors import KairosError


class ActorFailed(KairosError):
    """The actor raised: its answer is unknown and asking again may not help."""


class Backend(Protocol):
    """What the gateway needs of the processes behind it. Every call takes and returns msgpack and may raise
    ``ShardGone`` (ask again) or ``ActorFailed``."""

    async def shard(self, shard: int, method: str, *args: Any) -> bytes: ...

    async def coordinator(self, method: str, *args: Any) -> bytes: ...


class RayBackend:
    """Handles by actor name. A handle survives restarts of its actor; one that is dead for good is looked up anew."""

    def __init__(self) -> None:
        self._handles: dict[str, Any] = {}

    async def shard(self, shard: int, method: str, *args: Any) -> bytes:
        return await self._call(naming.shard_name(shard), method, args)

    async def coordinator(self, method: str, *args: Any) -> bytes:
        return await self._call(naming.COORDINATOR, method, args)

    async def _call(self, name: str, method: str, args: tuple[Any, ...]) -> bytes:
        handle = self._handles.get(name)
        if handle is None:
            handle = await self._find(name)
        try:
            answer: bytes = await getattr(handle, method).remote(*args)
        except RayTaskError as error:
            raise ActorFailed(f"{name}.{method}: {error.cause!r}") from error
        except (RayError, ConnectionError) as error:
            self._handles.pop(name, None)
            raise ShardGone(f"{name}: {type(error).__name__}") from error
        return answer

    async def _find(self, name: str) -> Any:
        try:
            handle = await asyncio.to_thread(ray.get_actor, name, namespace=naming.NAMESPACE)
        except ValueError as error:
            raise ShardGone(f"there is no actor {name}") from error
        self._handles[name] = handle
        return handle
