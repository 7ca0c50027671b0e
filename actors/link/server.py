"""The side of a link that listens: one handler, any number of connections, many frames in flight on each.

Before it has proved that it holds the secret (see ``handshake``), a connection may stay for ``LINK_HANDSHAKE_MS``, send
as many bytes as the handshake has, and be one of ``LINK_UNAUTHENTICATED_MAX``: one more drives the oldest out. After
that a peer that sends what is no frame, or is silent for ``LINK_SILENCE_MS``, is cut off.

Back-pressure: while ``LINK_CALLS_MAX`` frames of a connection are in work, or its peer does not read the answers,
nothing more is read from it. A frame whose connection is lost is worked on to its end; only its answer is dropped. A
handler that raises ``NotServing`` ends the connection: it did nothing, and the peer shall look for who does.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from typing import Any

from actors.link.accepted import Accepted, Handler
from actors.link.address import Address
from actors.link.bounds import DEFAULT, Bounds
from actors.link.frames import HEARTBEAT
from actors.link.handshake import INCARNATION_BYTES, purpose_key


class LinkServer:
    """``secret``: the installation's link key. ``purpose`` ("shard 3") keeps the links of one installation apart."""

    def __init__(self, handler: Handler, secret: bytes, purpose: str, bounds: Bounds = DEFAULT) -> None:
        self.handler = handler
        self.purpose = purpose
        self.bounds = bounds
        self.key = purpose_key(secret, purpose)
        self.incarnation = os.urandom(INCARNATION_BYTES)
        #: In the order in which they came.
        self._strangers: dict[Accepted, None] = {}
        self._peers: set[Accepted] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._beat: asyncio.TimerHandle | None = None
        self._listening: asyncio.Server | None = None

    async def start(self, host: str, port: int = 0) -> Address:
        """Listen (on any free port by default). Raises OSError when that address cannot be had."""
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(lambda: Accepted(self), host, port, backlog=self.bounds.strangers)
        self._rearm()
        bound_host, bound_port = self._listening.sockets[0].getsockname()[:2]
        return Address(bound_host, bound_port, self.incarnation)

    async def stop(self) -> None:
        """Close the port and every connection, and cancel what is in work."""
        if self._listening is not None:
            self._listening.close()
        if self._beat is not None:
            self._beat.cancel()
        for connection in [*self._strangers, *self._peers]:
            connection.drop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hang_up(self, wait_ms: float) -> None:
        """End every connection, so that each peer asks anew where to go; what is in work may be answered before, within
        ``wait_ms``. The port stays open. Returns at once."""
        self.spawn(self._hang_up(list(self._tasks), wait_ms))

    async def _hang_up(self, in_work: list[asyncio.Task[None]], wait_ms: float) -> None:
        if in_work:
            await asyncio.wait(in_work, timeout=wait_ms / 1_000)
        for connection in [*self._strangers, *self._peers]:
            connection.hang_up()

    def met(self, connection: Accepted) -> None:
        """A connection that has proved nothing yet."""
        if len(self._strangers) >= self.bounds.strangers:
            next(iter(self._strangers)).cut("too many connections that prove nothing")
        self._strangers[connection] = None

    def admitted(self, connection: Accepted) -> None:
        self._strangers.pop(connection, None)
        self._peers.add(connection)

    def left(self, connection: Accepted) -> None:
        self._strangers.pop(connection, None)
        self._peers.discard(connection)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _rearm(self) -> None:
        self._beat = asyncio.get_running_loop().call_later(self.bounds.keep_alive_ms / 1_000, self._keep_alive)

    def _keep_alive(self) -> None:
        self._rearm()
        for connection in list(self._peers):
            if connection.silent_beats() > self.bounds.silent_beats:
                connection.cut("the peer is silent")
            else:
                connection.send(HEARTBEAT)
