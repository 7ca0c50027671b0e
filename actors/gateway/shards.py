"""The live actors behind the gateway, found by name and found again after they died or moved.

Batches go over a link to the shard (see ``actors.link``), whose address the incarnation that serves tells; all else is
actor calls.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final, Protocol

import ray
from ray.exceptions import RayError, RayTaskError

from actors import naming
from actors.directory import Directory
from actors.gateway.batching import ShardGone
from actors.link.address import Address
from actors.link.client import Link, Resolve
from actors.link.errors import LinkFailed, LinkGone, LinkRefused
from models import limits
from models.errors import KairosError, NotServing

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

    async def insight(self, method: str, *args: Any) -> bytes: ...


class NamedActor:
    """The one actor of a name. A handle survives restarts; one that is dead for good is looked up anew."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._handle: Any = None

    async def ask(self, method: str, *args: Any) -> bytes:
        """Raises ``ShardGone`` (ask again) or ``ActorFailed``."""
        name = self._name
        handle = self._handle
        if handle is None:
            handle = self._handle = await _find(name)
        try:
            answer: bytes = await getattr(handle, method).remote(*args)
        except RayTaskError as error:
            if isinstance(error.cause, NotServing):
                raise ShardGone(f"{name}.{method}: {error.cause}") from error
            raise ActorFailed(f"{name}.{method}: {error.cause!r}") from error
        except (RayError, ConnectionError) as error:
            self._handle = None
            raise ShardGone(f"{name}: {type(error).__name__}") from error
        return answer


class LiveBackend:
    """Shards by the directory, coordinator and Insight by their names."""

    def __init__(self, link_key: bytes, directory: Directory | None = None) -> None:
        self._link_key = link_key
        self._directory = directory or Directory()
        self._links: dict[int, Link] = {}
        self._coordinator = NamedActor(naming.COORDINATOR)
        self._insight = NamedActor(naming.INSIGHT)

    async def dial(self, shards: int, wait_s: float) -> None:
        """Have connections to those that are there, for calls to come."""
        async def dial(shard: int) -> None:
            with contextlib.suppress(LinkRefused):
                await self._link(shard).dial(wait_s)

        await asyncio.gather(*map(dial, range(shards)))

    async def batch(self, shard: int, commands: bytes, follows: bool = False) -> bytes:
        try:
            return await self._link(shard).call(naming.SHARD_HANDLE, commands, _BATCH_WAIT_S, dials=not follows)
        except LinkGone as error:
            raise ShardGone(str(error)) from error
        except LinkFailed as error:
            raise ActorFailed(f"shard {shard}.handle: {error}") from error

    async def shard(self, shard: int, method: str, *args: Any) -> bytes:
        try:
            if method == "status":  # which one that does not serve yet may tell, too
                return await self._directory.status(shard)
            answer: bytes = await self._directory.call(shard, method, *args)
        except RayTaskError as error:
            raise ActorFailed(f"shard {shard}.{method}: {error.cause!r}") from error
        except NotServing as error:
            raise ShardGone(str(error)) from error
        return answer

    async def coordinator(self, method: str, *args: Any) -> bytes:
        return await self._coordinator.ask(method, *args)

    async def insight(self, method: str, *args: Any) -> bytes:
        return await self._insight.ask(method, *args)

    def _link(self, shard: int) -> Link:
        link = self._links.get(shard)
        if link is None:
            link = self._links[shard] = Link(self._resolver(shard), self._link_key, naming.shard_purpose(shard))
        return link

    def _resolver(self, shard: int) -> Resolve:
        async def resolve() -> Address:
            return (await self._directory.serving(shard, limits.LINK_RESOLVE_MS / 1_000)).address

        return resolve


async def _find(name: str) -> Any:
    try:
        return await asyncio.to_thread(ray.get_actor, name, namespace=naming.NAMESPACE)
    except ValueError as error:
        raise ShardGone(f"there is no actor {name}") from error
