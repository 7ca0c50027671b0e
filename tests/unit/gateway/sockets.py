"""A WebSocket client of the real ASGI application, inside the test's loop: frames in, frames out, the close."""

from __future__ import annotations

import asyncio
from typing import Any, Self

import msgpack
from unit.gateway.doubles import Served

from actors import access

PATH = "/v1/stream"


class Socket:
    """``reads``: while it is cleared the client reads nothing, so a write of the server does not return."""

    def __init__(
        self, served: Served, key: str | None = None, path: str = PATH, query: bytes = b"", can_answer: bool = True,
    ) -> None:
        bearer = access.read_admin_key(served.data_dir) if key is None else key
        self._app = served.app
        self._scope = {
            "type": "websocket", "path": path, "query_string": query,
            "headers": [(b"authorization", b"Bearer " + bearer.encode())] if bearer else [],
            "extensions": {"websocket.http.response": {}} if can_answer else {},
        }
        self._to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.taken = 0

    async def __aenter__(self) -> Self:
        self._to_server.put_nowait({"type": "websocket.connect"})
        self.serving = asyncio.create_task(self._app(self._scope, self._receive, self._send))
        self.first = await self._from_server.get()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.reads.set()
        self.leave()
        await self.serving

    async def _receive(self) -> dict[str, Any]:
        message = await self._to_server.get()
        self.taken += message["type"] == "websocket.receive"
        return message

    async def _send(self, message: Any) -> None:
        await self.reads.wait()
        self._from_server.put_nowait(message)

    @property
    def unread(self) -> int:
        """Messages that the server has not read yet."""
        return self._to_server.qsize()

    def leave(self) -> None:
        self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1000})

    def ask(self, frame_id: Any, call: Any, body: Any = None, **more: Any) -> None:
        self.raw(msgpack.packb({"id": frame_id, "call": call, "body": body, **more}))

    def raw(self, message: bytes) -> None:
        self._to_server.put_nowait({"type": "websocket.receive", "bytes": message})

    def text(self, message: str) -> None:
        self._to_server.put_nowait({"type": "websocket.receive", "text": message})

    async def message(self) -> dict[str, Any]:
        """The server's next ASGI message."""
        return await self._from_server.get()

    async def answer(self) -> dict[str, Any]:
        """The next frame; fails when the stream was closed instead."""
        message = await self.message()
        assert message["type"] == "websocket.send", message
        frame: dict[str, Any] = msgpack.unpackb(message["bytes"])
        return frame

    async def answers(self, count: int) -> dict[int, dict[str, Any]]:
        """So many frames by their ids."""
        frames = [await self.answer() for _ in range(count)]
        return {frame["id"]: frame for frame in frames}

    async def closed(self) -> int:
        """The code of the close frame; answers before it are passed over."""
        while (message := await self.message())["type"] != "websocket.close":
            assert message["type"] == "websocket.send", message
        code: int = message["code"]
        return code
