"""The live actors behind the gateway, found by name and found again after they died. The only module with Ray calls.

Batches go over a link to the shard (see ``actors.link``), whose address its named actor tells; all else is actor calls.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

import ray
from ray.exceptions import RayError, RayTaskError

from actors import naming
from actors.gateway.batching import ShardGone
from actors.link.address import Address
from actors.link.client import Link, Resolve
from actors.link.errors import LinkFailed, LinkGone
from models import limits
from models.errors import KairosError

_BATCH_WAIT_S: Final = (limits.CALL_WAIT_MS + limits.GATEWAY_PATIENT_GRACE_MS) / 1_000


class ActorFailed(KairosError):
    """The actor raised: its answer is unknown and asking again may not help."""


class Backend(Protocol):
    """What the gateway needs of the processes behind it. Every call takes and returns msgpack and may raise
    ``ShardGone`` (ask again) or ``ActorFailed``."""

    async def batch(self, shard: int, commands: bytes, follows: bool = False) -> bytes:
        """``ProfileShard.handle``: the path of every command. ``follows``: see ``actors.gateway.batching``."""
        ...

    async def shard(self, shard: int, method: str, *args: Any) -> bytes:
        """Any other call of a shard: rare, or slow."""
        ...

    async def coordinator(self, method: str, *args: Any) -> bytes: ...


class LiveBackend:
    """Handles by actor name. A handle survives restarts of its actor; one that is dead for good is looked up anew."""

    def __init__(self, link_key: bytes) -> None:
        self._link_key = link_key
        self._handles: dict[str, Any] = {}
        self._links: dict[int, Link] = {}

    async def batch(self, shard: int, commands: bytes, follows: bool = False) -> bytes:
        link = self._links.get(shard)
        if link is None:
            link = self._links[shard] = Link(self._resolver(shard), self._link_key, naming.shard_purpose(shard))
        try:
            return await link.call(naming.SHARD_HANDLE, commands, _BATCH_WAIT_S, dials=not follows)
        except LinkGone as error:
            raise ShardGone(str(error)) from error
        except LinkFailed as error:
            raise ActorFailed(f"{naming.shard_name(shard)}.handle: {error}") from error

    async def shard(self, shard: int, method: str, *args: Any) -> bytes:
        return await self._call(naming.shard_name(shard), method, args)

    async def coordinator(self, method: str, *args: Any) -> bytes:
        return await self._call(naming.COORDINATOR, method, args)

    def _resolver(self, shard: int) -> Resolve:
        async def resolve() -> Address:
            return Address.from_wire(await self.shard(shard, "address"))

        return resolve

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
