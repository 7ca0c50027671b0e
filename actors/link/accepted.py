"""One connection that a ``LinkServer`` accepted: proof first, then frames."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, cast

import structlog

from actors.link import frames
from actors.link.bounds import Bounds
from actors.link.frames import BadFrame, Frame, FrameReader
from actors.link.handshake import HELLO_BYTES, MAGIC, PROOF_BYTES, ServerSide
from models.errors import NotServing

log = structlog.get_logger(__name__)
#: Takes the method's name and the payload, answers the payload.
Handler = Callable[[str, bytes], Awaitable[bytes]]


class Host(Protocol):
    """What a connection needs of its ``LinkServer``."""

    handler: Handler
    purpose: str
    bounds: Bounds
    key: bytes
    incarnation: bytes

    def met(self, connection: Accepted) -> None: ...

    def admitted(self, connection: Accepted) -> None: ...

    def left(self, connection: Accepted) -> None: ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None: ...


class Accepted(asyncio.Protocol):
    def __init__(self, server: Host) -> None:
        self._server = server
        self._proof: ServerSide | None = ServerSide(server.key, server.incarnation)
        self._is_challenged = False
        self._early = b""
        self._reader = FrameReader(server.bounds.frame_bytes)
        #: Read, but not yet in work.
        self._waiting: deque[Frame] = deque()
        self._in_work = 0
        self._is_peer_reading = True
        self._is_paused = False
        self._was_heard = True
        self._silent_beats = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        wait_s = self._server.bounds.handshake_ms / 1_000
        self._deadline = asyncio.get_running_loop().call_later(wait_s, self.cut, "it proved nothing in time")
        self._server.met(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()

    def data_received(self, data: bytes) -> None:
        self._was_heard = True
        if self._proof is not None:
            self._shake(self._early + data)
            return
        try:
            self._waiting.extend(self._reader.feed(data))
        except BadFrame as error:
            self.cut(str(error))
            return
        self._admit()

    def eof_received(self) -> None:
        """Close: a peer that will send nothing more will not be answered either."""

    def pause_writing(self) -> None:
        self._is_peer_reading = False
        self._steer()

    def resume_writing(self) -> None:
        self._is_peer_reading = True
        self._admit()

    # What the server calls.

    def send(self, frame: bytes) -> None:
        if self._transport is not None:
            self._transport.write(frame)

    def cut(self, reason: str) -> None:
        if self._transport is not None:
            log.warning("link_cut", purpose=self._server.purpose, reason=reason, proven=self._proof is None)
            self.drop()

    def drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._forget()

    def hang_up(self) -> None:
        """Close once all that was answered is sent."""
        if self._transport is not None:
            self._transport.close()
            self._forget()

    def silent_beats(self) -> int:
        """How many beats ago the peer was heard last; while it is not listened to, it is not silent."""
        self._silent_beats = 0 if self._was_heard or self._is_paused else self._silent_beats + 1
        self._was_heard = False
        return self._silent_beats

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._transport = None
        self._waiting.clear()
        self._server.left(self)

    def _shake(self, data: bytes) -> None:
        """The handshake, byte by byte if need be. ``data``: all that came since its last step."""
        assert self._proof is not None
        self._early = data
        if not self._is_challenged:
            if len(data) < HELLO_BYTES and MAGIC.startswith(data[: len(MAGIC)]):
                return
            challenge = self._proof.challenge(data) if len(data) == HELLO_BYTES else None
            if challenge is None:
                self.cut("it speaks another protocol")
                return
            self._is_challenged, self._early = True, b""
            self.send(challenge)
            return
        if len(data) < PROOF_BYTES:
            return
        if not self._proof.accepts(data[:PROOF_BYTES]):
            self.cut("it does not hold the secret of this link")
            return
        self._proof, self._early = None, b""
        assert self._deadline is not None
        self._deadline.cancel()
        self._server.admitted(self)
        if len(data) > PROOF_BYTES:
            self.data_received(data[PROOF_BYTES:])

    def _admit(self) -> None:
        """Put into work what may be; listen again once nothing waits."""
        while self._waiting and self._in_work < self._server.bounds.calls and self._is_peer_reading:
            number, tag, body = self._waiting.popleft()
            if number:
                self._in_work += 1
                self._server.spawn(self._work(number, body[:tag], body[tag:]))
        self._steer()

    def _steer(self) -> None:
        """Read on only while there is room: what is not read stays with the peer."""
        pause = bool(self._waiting) or self._in_work >= self._server.bounds.calls or not self._is_peer_reading
        if self._transport is None or pause == self._is_paused:
            return
        self._is_paused = pause
        if pause:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    async def _work(self, number: int, method: bytes, payload: bytes) -> None:
        try:
            result = await self._server.handler(method.decode("ascii", "replace"), payload)
            bytes_max = self._server.bounds.frame_bytes
            if len(result) > bytes_max:
                raise BadFrame(f"the answer has {len(result)} bytes; at most {bytes_max} are sent")
            frame = frames.answer(number, frames.DONE, result)
        except NotServing:
            # Nothing was done, and nothing will be: who asks learns it from the end of the connection.
            self.hang_up()
            return
        except Exception as error:
            # What an error says may tell of a customer: it goes to the log of whoever raised it, not over the link.
            log.error("link_call_failed", purpose=self._server.purpose, error=type(error).__name__, exc_info=True)
            frame = frames.answer(number, frames.FAILED, type(error).__name__.encode())
        finally:
            self._in_work -= 1
        self.send(frame)
        self._admit()
