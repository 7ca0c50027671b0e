"""A server whose handler the test steers, links to it, and raw connections for what no link would send."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from actors.link.address import Address
from actors.link.bounds import Bounds
from actors.link.client import Link
from actors.link.handshake import CHALLENGE_BYTES, ClientSide, purpose_key
from actors.link.server import LinkServer
from models.errors import NotServing

SECRET = b"s" * 32
PURPOSE = "shard 0"
#: Longer than any test: a call that ends does so for another reason.
LONG_S = 15.0


class Rig:
    """``echo`` answers its payload; ``wait`` answers it once ``gate`` is open; ``raise`` raises; ``refuse`` does not
    serve."""

    def __init__(self, **bounds: Any) -> None:
        self.bounds = Bounds(**bounds)
        self.gate = asyncio.Event()
        self.handled: list[bytes] = []
        self.in_work = 0
        self.in_work_most = 0
        self.started = asyncio.Condition()
        self.resolved = 0
        self.address: Address | None = None
        self._servers: list[LinkServer] = []
        self._links: list[Link] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._raw_servers: list[asyncio.Server] = []

    async def handle(self, method: str, payload: bytes) -> bytes:
        self.in_work += 1
        self.in_work_most = max(self.in_work, self.in_work_most)
        async with self.started:
            self.started.notify_all()
        try:
            if method == "raise":
                raise ValueError("a secret of hh-1")
            if method == "refuse":
                raise NotServing("released")
            if method == "wait":
                await self.gate.wait()
        finally:
            self.in_work -= 1
        self.handled.append(payload)
        return payload * int(method[5:] or 1) if method.startswith("times") else payload

    async def working(self, count: int) -> None:
        """Return when so many frames are in work at once."""
        async with self.started:
            await self.started.wait_for(lambda: self.in_work >= count)

    async def serve(self, secret: bytes = SECRET, purpose: str = PURPOSE, port: int = 0) -> LinkServer:
        server = LinkServer(self.handle, secret, purpose, self.bounds)
        self.address = await server.start("127.0.0.1", port)
        self._servers.append(server)
        return server

    def link(self, secret: bytes = SECRET, purpose: str = PURPOSE) -> Link:
        link = Link(self.resolve, secret, purpose, self.bounds)
        self._links.append(link)
        return link

    async def resolve(self) -> Address:
        self.resolved += 1
        assert self.address is not None, "nobody listens yet"
        return self.address

    async def raw(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that has sent nothing yet."""
        assert self.address is not None
        reader, writer = await asyncio.open_connection(self.address.host, self.address.port)
        self._writers.append(writer)
        return reader, writer

    async def raw_proven(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that has proved that it holds the secret, and on which anything may be sent now."""
        assert self.address is not None
        reader, writer = await self.raw()
        side = ClientSide(purpose_key(SECRET, PURPOSE), self.address.incarnation)
        writer.write(side.hello())
        proof, wrong = side.answer(await reader.readexactly(CHALLENGE_BYTES))
        assert not wrong
        writer.write(proof)
        return reader, writer

    async def raw_server(self, talk: Any, incarnation: bytes = b"i" * 16) -> None:
        """Whoever listens at the address now; ``talk(reader, writer)`` is what it does with a connection."""

        async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.append(writer)
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await talk(reader, writer)

        server = await asyncio.start_server(met, "127.0.0.1", 0)
        self._raw_servers.append(server)
        self.address = Address("127.0.0.1", server.sockets[0].getsockname()[1], incarnation)

    async def close(self) -> None:
        self.gate.set()
        for link in self._links:
            link.close()
        for writer in self._writers:
            writer.transport.abort()
        for raw in self._raw_servers:
            raw.close()
        for server in self._servers:
            await server.stop()


async def is_cut(reader: asyncio.StreamReader) -> bool:
    """Everything that still comes is read; True when the peer ended the connection."""
    with contextlib.suppress(ConnectionError):
        await reader.read()
    return True
