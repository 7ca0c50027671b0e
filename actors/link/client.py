"""The side of a link that calls: many calls in flight on one connection, which is made anew after it was lost.

A lost connection fails every call in flight with ``LinkGone``; the next call asks where the peer is now and dials that.
A peer that is there and says nothing (stopped, cut off by the network) is given up after ``LINK_SILENCE_MS`` without a
heartbeat, so no call hangs for longer than that or its own time, whichever is shorter.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable

from actors.link.address import Address
from actors.link.bounds import DEFAULT, Bounds
from actors.link.dialled import Dialled
from actors.link.errors import LinkGone, LinkOversized, LinkRefused
from actors.link.frames import NAME_BYTES
from actors.link.handshake import purpose_key

#: Says where the peer is now; what it raises becomes ``LinkRefused``.
Resolve = Callable[[], Awaitable[Address]]


class Link:
    """``secret`` and ``purpose`` as the peer's ``LinkServer`` has them. Belongs to one event loop."""

    def __init__(self, resolve: Resolve, secret: bytes, purpose: str, bounds: Bounds = DEFAULT) -> None:
        self._resolve = resolve
        self._key = purpose_key(secret, purpose)
        self._purpose = purpose
        self._bounds = bounds
        self._connection: Dialled | None = None
        self._dialling: asyncio.Task[Dialled] | None = None

    async def call(self, method: str, payload: bytes, timeout_s: float, *, dials: bool = True) -> bytes:
        """The peer's answer. Raises ``LinkGone`` (perhaps executed; after ``timeout_s`` too), ``LinkRefused`` (not
        executed), ``LinkFailed`` (its handler raised), ``LinkOversized``. A cancelled call is executed all the same.
        Without ``dials`` a lost connection refuses the call: no new one is made for it."""
        name = method.encode("ascii")
        if len(name) + len(payload) > self._bounds.frame_bytes:
            raise LinkOversized(f"{self._purpose}.{method}: {len(payload)} bytes; at most {self._bounds.frame_bytes}")
        assert 0 < len(name) <= NAME_BYTES
        loop = asyncio.get_running_loop()
        until_s = loop.time() + timeout_s
        connection = self._connection
        if connection is None or connection.is_lost:
            if not dials:
                raise LinkRefused(f"{self._purpose}: the connection of the calls before this one is lost")
            connection = await self._connected(timeout_s)
        if not connection.has_room:
            await self._room(connection, until_s - loop.time())
        number, answer = connection.send(name, payload)
        timer = loop.call_at(until_s, self._expire, answer)
        try:
            return await answer
        finally:
            timer.cancel()
            connection.forget(number)

    async def dial(self, timeout_s: float) -> None:
        """Have a connection, for calls to come. Raises ``LinkRefused``."""
        if self._connection is None or self._connection.is_lost:
            await self._connected(timeout_s)

    def close(self) -> None:
        """Fail what is in flight and let go of the connection; a later call makes a new one."""
        if self._dialling is not None:
            self._dialling.cancel()
        if self._connection is not None:
            self._connection.lose("closed by its own side")

    def _expire(self, answer: asyncio.Future[bytes]) -> None:
        if not answer.done():
            answer.set_exception(LinkGone(f"{self._purpose}: no answer in time"))

    async def _room(self, connection: Dialled, wait_s: float) -> None:
        try:
            await asyncio.wait_for(connection.room(), wait_s)
        except TimeoutError:
            raise LinkRefused(f"{self._purpose}: the peer takes nothing more") from None

    async def _connected(self, wait_s: float) -> Dialled:
        """The connection that all callers share; who stops waiting leaves the others their attempt."""
        dialling = self._dialling
        if dialling is None:
            dialling = asyncio.get_running_loop().create_task(self._dial(), context=contextvars.Context())
            dialling.add_done_callback(self._dialled)
            self._dialling = dialling
        done, _ = await asyncio.wait([dialling], timeout=wait_s)
        if not done:
            raise LinkRefused(f"{self._purpose}: no connection in time")
        if dialling.cancelled():
            raise LinkRefused(f"{self._purpose}: closed by its own side")
        return dialling.result()

    def _dialled(self, task: asyncio.Task[Dialled]) -> None:
        self._dialling = None
        if not task.cancelled() and task.exception() is None:
            self._connection = task.result()

    async def _dial(self) -> Dialled:
        try:
            async with asyncio.timeout(self._bounds.resolve_ms / 1_000):
                address = await self._resolve()
        except Exception as error:
            raise LinkRefused(f"{self._purpose}: its address is not known: {type(error).__name__}: {error}") from error
        connection = Dialled(address, self._key, self._bounds)
        try:
            async with asyncio.timeout(self._bounds.handshake_ms / 1_000):
                await asyncio.get_running_loop().create_connection(lambda: connection, address.host, address.port)
                await connection.proven
        except (OSError, TimeoutError) as error:
            connection.lose("no proof in time")
            raise LinkRefused(f"{self._purpose}: {address} does not answer: {type(error).__name__}") from error
        except BaseException:
            connection.lose("the attempt was given up")
            raise
        return connection
