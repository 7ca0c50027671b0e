"""A server on a loopback port, in a thread with an event loop of its own, that does what a test says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Self

import msgpack
from aiohttp import WSMsgType, web

Stream = Callable[["Talk"], Awaitable[None]]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
MEDIA = "application/msgpack"


class Talk:
    """One connection of a stream, from the server's side; ``number`` counts from 1."""

    def __init__(self, number: int, socket: web.WebSocketResponse, note: Callable[[int, Any], None]) -> None:
        self.number = number
        self.socket = socket
        self._note = note

    async def frame(self) -> Any:
        """The next frame. Raises ``ConnectionError`` at the client's end."""
        message = await self.socket.receive()
        if message.type is not WSMsgType.BINARY:
            raise ConnectionError
        frame = msgpack.unpackb(message.data)
        self._note(self.number, frame)
        return frame

    async def answer(self, frame: Any, status: int = 200, **body: Any) -> None:
        said = {"decision_id": f"d-{frame['body'].get('request_id')}", **body}
        await self.socket.send_bytes(msgpack.packb({"id": frame["id"], "status": status, "body": said}))

    async def cut(self) -> None:
        """End the connection without a word, as a process does that is killed."""
        transport = self.socket._req.transport if self.socket._req else None
        assert transport is not None
        transport.abort()
        raise ConnectionError

    async def echo(self) -> None:
        """Answer every frame as it comes, until the client goes."""
        while True:
            await self.answer(await self.frame())


class Loopback:
    """``with`` it; ``url`` is where it listens. ``frames``: (connection, frame) of every frame that was read."""

    def __init__(self, *, stream: Stream = Talk.echo, answer: Answer | None = None) -> None:
        self.frames: list[tuple[int, Any]] = []
        self.requests: list[web.Request] = []
        #: Handshakes that are refused before one is accepted, by status.
        self.refusals: list[int] = []
        self.streams = 0
        #: Set when the first frame was read.
        self.has_asked = threading.Event()
        self._stream = stream
        self._answer = answer or plain
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.url = self.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, coroutine: Any) -> Any:
        """Do something in the server's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def asked(self, connection: int | None = None) -> list[str]:
        """The request ids of the frames, in the order in which they came."""
        return [frame["body"]["request_id"] for number, frame in self.frames if connection in (None, number)]

    def _note(self, connection: int, frame: Any) -> None:
        self.frames.append((connection, frame))
        self.has_asked.set()

    async def _start(self) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        return f"http://127.0.0.1:{port}"

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/v1/stream":
            await request.read()
            self.requests.append(request)
            return await self._answer(request)
        if self.refusals:
            return web.Response(status=self.refusals.pop(0))
        self.streams += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        try:
            await self._stream(Talk(self.streams, socket, self._note))
        except ConnectionError:
            return socket
        await socket.close()
        return socket


async def plain(request: web.Request) -> web.StreamResponse:
    return web.Response(body=msgpack.packb({"budgets": [], "decision_id": "d"}), content_type=MEDIA)
