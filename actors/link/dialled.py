"""One connection that a ``Link`` made: proof first, then calls until it is lost, and never again after that."""

from __future__ import annotations

import asyncio
from typing import cast

from actors.link import frames
from actors.link.address import Address
from actors.link.bounds import Bounds
from actors.link.errors import LinkFailed, LinkGone, LinkRefused
from actors.link.frames import BadFrame, FrameReader
from actors.link.handshake import CHALLENGE_BYTES, ClientSide


class Dialled(asyncio.Protocol):
    def __init__(self, address: Address, key: bytes, bounds: Bounds) -> None:
        loop = asyncio.get_running_loop()
        #: Ends when the peer has proved who it is; with ``LinkRefused`` when it has not.
        self.proven: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._address = address
        self._proof: ClientSide | None = ClientSide(key, address.incarnation)
        self._early = b""
        self._reader = FrameReader(bounds.frame_bytes)
        self._calls: dict[int, asyncio.Future[bytes]] = {}
        self._last = 0
        self._bounds = bounds
        self._silent_beats = 0
        self._was_heard = True
        self._beat: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        #: Pending while the peer does not take what is sent.
        self._room: asyncio.Future[None] | None = None
        self.is_lost = False
        self._lost_because = ""

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert self._proof is not None
        self._transport = cast(asyncio.Transport, transport)
        if self.is_lost:
            self._transport.abort()
            return
        self._transport.write(self._proof.hello())

    def connection_lost(self, exc: Exception | None) -> None:
        self.lose(f"{type(exc).__name__}" if exc is not None else "the peer closed the connection")

    def data_received(self, data: bytes) -> None:
        self._was_heard = True
        if self._proof is not None:
            self._shake(self._early + data)
            return
        try:
            arrived = self._reader.feed(data)
        except BadFrame as error:
            self.lose(str(error))
            return
        for number, status, body in arrived:
            future = self._calls.pop(number, None)
            if future is None or future.done():
                continue  # a heartbeat, or the answer to a caller that is gone
            if status == frames.DONE:
                future.set_result(body)
            else:
                future.set_exception(LinkFailed(body.decode("ascii", "replace")))

    def pause_writing(self) -> None:
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None

    # What the link calls.

    @property
    def has_room(self) -> bool:
        return self._room is None

    async def room(self) -> None:
        """Return when the peer takes what is sent, or when the connection is lost."""
        while self._room is not None:
            await asyncio.shield(self._room)

    def send(self, method: bytes, payload: bytes) -> tuple[int, asyncio.Future[bytes]]:
        """The number of the call and its answer. Raises ``LinkRefused``."""
        if self._transport is None or self.is_lost:
            raise LinkRefused(f"{self._address}: {self._lost_because}")
        number = self._last = self._last % (frames.IDS - 1) + 1
        future = self._calls[number] = self._loop.create_future()
        self._transport.write(frames.request(number, method, payload))
        return number, future

    def forget(self, number: int) -> None:
        """Nobody waits for this answer any more."""
        self._calls.pop(number, None)

    def lose(self, reason: str) -> None:
        """End the connection; every call in flight fails with ``LinkGone``. Repeating it changes nothing."""
        if self.is_lost:
            return
        self.is_lost, self._lost_because = True, reason
        if self._beat is not None:
            self._beat.cancel()
        if self._transport is not None:
            self._transport.abort()
        self.resume_writing()
        if not self.proven.done():
            self.proven.set_exception(LinkRefused(f"{self._address}: {reason}"))
            self.proven.exception()  # whoever dialled may be gone
        for future in self._calls.values():
            if not future.done():
                future.set_exception(LinkGone(f"{self._address}: {reason}"))
        self._calls.clear()

    def _shake(self, data: bytes) -> None:
        assert self._proof is not None
        assert self._transport is not None
        self._early = data
        if len(data) < CHALLENGE_BYTES:
            return
        proof, wrong = self._proof.answer(data[:CHALLENGE_BYTES])
        if not proof:
            self.lose(wrong)
            return
        self._proof, self._early = None, b""
        self._transport.write(proof)
        self._rearm()
        if not self.proven.done():
            self.proven.set_result(None)
        if len(data) > CHALLENGE_BYTES:
            self.data_received(data[CHALLENGE_BYTES:])

    def _rearm(self) -> None:
        self._beat = self._loop.call_later(self._bounds.keep_alive_ms / 1_000, self._keep_alive)

    def _keep_alive(self) -> None:
        self._silent_beats = 0 if self._was_heard else self._silent_beats + 1
        self._was_heard = False
        if self._silent_beats > self._bounds.silent_beats:
            self.lose("the peer is silent")
            return
        assert self._transport is not None
        self._transport.write(frames.HEARTBEAT)
        self._rearm()
