"""Who serves a shard: its incarnations are found by their names, and asked.

Several may be there at once: one that serves, a standby of the next, one that was released or is cut off by the
network. Only one that serves tells an address. Should two do, the newer is taken, when it answers soon: the store lets
only one of them answer anybody in the end.

Names are looked up in Ray's control store by a thread, for that blocks; all who ask meanwhile share the look. They
share the question to an incarnation, too: at most one is under way, however long it stays silent. Belongs to one event
loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import ray
import structlog
from ray.exceptions import RayError, RayTaskError

from actors import naming
from actors.link.address import Address
from models import limits
from models.errors import NotServing

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Names(Protocol):
    """Where actors are known by name. Both calls block, and may raise RayError or ValueError."""

    def known(self) -> list[str]: ...

    def find(self, name: str) -> Any:
        """The actor's handle. Raises ValueError when there is none of that name."""


class RayNames:
    def known(self) -> list[str]:
        named: list[Any] = ray.util.list_named_actors(all_namespaces=True)
        return [one["name"] for one in named if one["namespace"] == naming.NAMESPACE]

    def find(self, name: str) -> Any:
        return ray.get_actor(name, namespace=naming.NAMESPACE)


@dataclass(frozen=True, slots=True)
class Serving:
    """An incarnation that said that it serves."""

    name: str
    handle: Any
    address: Address


class Directory:
    def __init__(self, names: Names | None = None) -> None:
        self._names = names or RayNames()
        #: Incarnations by shard, the newest first, as of the last look.
        self._known: dict[int, list[str]] = {}
        self._looked_s = float("-inf")
        self._look: asyncio.Task[None] | None = None
        self._handles: dict[str, Any] = {}
        #: The question to an incarnation that is under way.
        self._asks: dict[str, asyncio.Task[Serving | None]] = {}
        #: Who served a shard when it was last called.
        self._serving: dict[int, Serving] = {}

    async def serving(self, shard: int, wait_s: float = 0.0) -> Serving:
        """Who serves a shard; waits for one for so long. Raises NotServing."""
        until_s = time.monotonic() + wait_s
        hold_ms = 0
        while True:
            asked_s = time.monotonic()
            found = await self._look_around(shard, hold_ms)
            if found is not None:
                return found
            now_s = time.monotonic()
            if now_s >= until_s:
                raise NotServing(f"no incarnation of shard {shard} serves; it may be restarting or on its way")
            hold_ms = limits.DIRECTORY_HOLD_MS
            # Whoever held the question gave the time that this would sleep.
            await asyncio.sleep(max(0.0, limits.DIRECTORY_FRESH_MS / 1_000 - (now_s - asked_s)))

    async def call(self, shard: int, method: str, *args: Any) -> Any:
        """Any call that may be repeated, of the incarnation that serves. Raises NotServing when there is none, and
        ``RayTaskError`` when the call itself raised."""
        for is_last in (False, True):
            serving = self._serving.get(shard)
            if serving is None:
                is_last = True
                serving = self._serving[shard] = await self.serving(shard)
            try:
                return await getattr(serving.handle, method).remote(*args)
            except (RayError, ConnectionError) as error:
                if isinstance(error, RayTaskError) and not isinstance(error.cause, NotServing):
                    raise
                if self._serving.get(shard) is serving:
                    del self._serving[shard]
                self._handles.pop(serving.name, None)
                self._looked_s = float("-inf")  # its successor may be younger than the names
                if is_last:
                    raise NotServing(f"{serving.name} does not answer: {type(error).__name__}") from error
        raise AssertionError

    async def status(self, shard: int) -> bytes:
        """The status of the incarnation that serves, else of the newest. Raises NotServing when none answers."""
        try:
            status: bytes = await self.call(shard, "status")
            return status
        except NotServing:
            for name in self._known.get(shard, ()):
                try:
                    told: bytes = await (await self._handle(name)).status.remote()
                    return told
                except (RayError, ValueError, ConnectionError):
                    self._handles.pop(name, None)
            raise

    async def _look_around(self, shard: int, hold_ms: int) -> Serving | None:
        """One look at all incarnations. The newest that serves; not None because of one that does not answer."""
        await self._learn_names()
        asks = [self._ask(name, hold_ms) for name in self._known.get(shard, ())]
        until_s = time.monotonic() + (hold_ms + limits.DIRECTORY_ASK_MS_MAX) / 1_000
        best = None
        while True:
            found = _newest(asks)
            if found is not None and best is None:
                until_s = min(until_s, time.monotonic() + limits.DIRECTORY_LATER_MS / 1_000)
            best = found
            open_asks = [ask for ask in _before(asks, best) if not ask.done()]
            left_s = until_s - time.monotonic()
            if not open_asks or left_s <= 0:
                return best
            await asyncio.wait(open_asks, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)

    def _ask(self, name: str, hold_ms: int) -> asyncio.Task[Serving | None]:
        ask = self._asks.get(name)
        if ask is None:
            ask = self._asks[name] = _spawn(self._address_of(name, hold_ms))
            ask.add_done_callback(lambda _: self._asks.pop(name, None))
        return ask

    async def _address_of(self, name: str, hold_ms: int) -> Serving | None:
        try:
            handle = await self._handle(name)
            wire: bytes = await handle.address.remote(hold_ms)
        except (RayError, ValueError, ConnectionError):
            self._handles.pop(name, None)
            return None
        return Serving(name, handle, Address.from_wire(wire)) if wire else None

    async def _handle(self, name: str) -> Any:
        if name not in self._handles:
            self._handles[name] = await asyncio.to_thread(self._names.find, name)
        return self._handles[name]

    async def _learn_names(self) -> None:
        """Look the names up unless that was just done. If they cannot be had in time, those known before must do."""
        if time.monotonic() - self._looked_s < limits.DIRECTORY_FRESH_MS / 1_000:
            return
        if self._look is None or self._look.done():
            self._look = _spawn(self._look_up())
        await asyncio.wait([self._look], timeout=limits.DIRECTORY_NAMES_MS_MAX / 1_000)

    async def _look_up(self) -> None:
        try:
            names = await asyncio.to_thread(self._names.known)
        except (RayError, ValueError, ConnectionError) as error:
            log.warning("the actors' names cannot be had", error=type(error).__name__)
            return
        self._known = _by_shard(names)
        self._looked_s = time.monotonic()
        for gone in self._handles.keys() - set(names):
            del self._handles[gone]


def _by_shard(names: Iterable[str]) -> dict[int, list[str]]:
    found: dict[int, list[int]] = {}
    for name in names:
        parsed = naming.parse_shard_name(name)
        if parsed is not None:
            found.setdefault(parsed[0], []).append(parsed[1])
    return {
        shard: [naming.shard_name(shard, one) for one in sorted(incarnations, reverse=True)]
        for shard, incarnations in found.items()
    }


def _newest(asks: Iterable[asyncio.Task[Serving | None]]) -> Serving | None:
    """The first answer that names one."""
    for ask in asks:
        if ask.done() and (serving := ask.result()) is not None:
            return serving
    return None


def _before(
    asks: list[asyncio.Task[Serving | None]], best: Serving | None
) -> list[asyncio.Task[Serving | None]]:
    """Those whose answer would be preferred."""
    if best is None:
        return asks
    return asks[: next(place for place, ask in enumerate(asks) if ask.done() and ask.result() is best)]


def _spawn(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    # A context of its own: what is known of the request that happened to ask first is not that of all who wait for it.
    return asyncio.get_running_loop().create_task(work, context=contextvars.Context())
