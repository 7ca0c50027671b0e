"""The stream: many calls in flight on one WebSocket, which is opened anew when it is lost.

What was unanswered is sent again on the next connection, oldest first, with the same ids; calls that come meanwhile
queue behind it. So the order in which a customer's calls were asked is the order in which the server sees them.
"""

from __future__ import annotations

import asyncio
import random
from typing import Final

import aiohttp
import orjson

from cluster.client.address import Address
from cluster.client.errors import Closed
from cluster.client.http_async import AsyncHttp
from cluster.client.retry import REPEATABLE, RetryPolicy
from cluster.client.unanswered import Unanswered, read_answer
from cluster.client.wire import Lost, Reply, Request
from models import limits

_PATH: Final = "/v1/stream"
#: The close code of a key that was revoked or has expired.
_KEY_ENDED: Final = 4401


class AsyncStream:
    """Calls that a stream does not carry go over HTTP beside it."""

    def __init__(self, to: Address, accept: str, connections: int, in_flight: int, retry: RetryPolicy) -> None:
        self._url: Final = f"ws{to.url.removeprefix('http')}{_PATH}"
        self._http = AsyncHttp(to, accept, connections + 1)
        self._retry = retry
        self._room = asyncio.Semaphore(in_flight)
        self._unanswered = Unanswered()
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        #: The connection, once everything older has been sent on it.
        self._live: aiohttp.ClientWebSocketResponse | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._trouble = ""
        self._is_closed = False

    async def send(self, request: Request, timeout_s: float) -> Reply:
        if request.stream is None:
            return await self._http.send(request, timeout_s)
        try:
            async with asyncio.timeout(timeout_s), self._room:
                return await self._ask(request)
        except TimeoutError:
            why = f" ({self._trouble})" if self._trouble else ""
            raise Lost(f"nothing came within {timeout_s:.3g} s{why}") from None

    async def close(self) -> None:
        self._is_closed = True
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Closed("this client was closed before the answer came"))
        await self._http.close()

    async def _ask(self, request: Request) -> Reply:
        if self._is_closed:
            raise Closed("this client was closed")
        loop = asyncio.get_running_loop()
        if self._keeper is None:
            self._keeper = loop.create_task(self._keep())
        frame_id, frame = self._unanswered.add(request)
        answer: asyncio.Future[Reply] = loop.create_future()
        self._waiting[frame_id] = answer
        try:
            if self._live is None:
                self._wanted.set()
            else:
                await self._write(self._live, frame)
            return await answer
        finally:
            self._unanswered.forget(frame_id)
            del self._waiting[frame_id]

    async def _write(self, connection: aiohttp.ClientWebSocketResponse, frame: bytes) -> None:
        """A frame that does not get through stays unanswered, and goes with the next connection."""
        try:
            await connection.send_bytes(frame)
        except (aiohttp.ClientError, OSError) as error:
            self._trouble = f"{type(error).__name__}: {error}"

    async def _keep(self) -> None:
        """Keep a connection open as long as somebody asks."""
        failures = 0
        while True:
            if not self._unanswered:
                self._wanted.clear()
            await self._wanted.wait()
            connection = await self._connect()
            if connection is not None:
                failures, self._trouble = 0, ""
                await self._serve(connection)
            failures += 1
            await asyncio.sleep(self._retry.pause_s(failures, random.random()))

    async def _connect(self) -> aiohttp.ClientWebSocketResponse | None:
        """None when it failed; a refusal for good is the answer of everything that waits."""
        try:
            async with asyncio.timeout(limits.CLIENT_CONNECT_MS / limits.SECOND_MS):
                return await self._http.session().ws_connect(
                    self._url, heartbeat=limits.CLIENT_PING_MS / limits.SECOND_MS, compress=0,
                    max_msg_size=limits.CLIENT_FRAME_BYTES_MAX,
                )
        except aiohttp.WSServerHandshakeError as error:
            self._trouble = f"the stream was refused with {error.status} at its handshake"
            if error.status not in REPEATABLE:
                self._answer_all(error.status)
        except (aiohttp.ClientError, OSError) as error:
            self._trouble = f"no stream to {self._url}: {error or type(error).__name__}"
        return None

    async def _serve(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        reader = asyncio.create_task(self._read(connection))
        try:
            for frame in self._unanswered.from_the_first():
                await self._write(connection, frame)
            self._live = None if reader.done() else connection
            await reader
        finally:
            self._live = None
            reader.cancel()
            await connection.close()
        self._trouble = self._trouble or f"the stream was closed with {connection.close_code}"
        if connection.close_code == _KEY_ENDED:
            self._trouble = "the key was revoked or has expired"
            self._answer_all(401)

    async def _read(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        """Hand out answers until the connection ends."""
        async for message in connection:
            if message.type is not aiohttp.WSMsgType.BINARY:
                continue
            try:
                frame_id, reply = read_answer(message.data)
            except ValueError as error:
                self._trouble = str(error)
                return
            answer = self._waiting.get(frame_id)
            if answer is not None and not answer.done():
                self._unanswered.forget(frame_id)
                answer.set_result(reply)

    def _answer_all(self, status: int) -> None:
        body = orjson.dumps({"status": status, "title": "Stream refused", "detail": self._trouble})
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result(Reply(status, body, "application/problem+json"))
