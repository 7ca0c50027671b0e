"""All streams of this gateway: how many there may be, whose keys still live, who does not read, and when all end."""

from __future__ import annotations

import asyncio
from collections import Counter

import structlog

from actors.access import KeyRecord
from actors.gateway.body import Receive, Send
from actors.gateway.denied import ANY, denied
from actors.gateway.problems import retry_later
from actors.gateway.routing import Router
from actors.gateway.services import Services
from actors.gateway.stream import closing
from actors.gateway.stream.calls import Calls
from actors.gateway.stream.session import Session
from models import limits

log = structlog.get_logger(__name__)
_NORMAL = 1000
_ABNORMAL = 1006


class Streams:
    def __init__(self, services: Services, router: Router) -> None:
        self.services = services
        self.calls = Calls(router)
        self._sessions: set[Session] = set()
        self._of_key: Counter[str] = Counter()
        self._ending = False
        #: Set while the end of all waits for the last.
        self._empty: asyncio.Event | None = None

    def check_room(self, key: KeyRecord) -> None:
        """Raises 429 when this key, 503 when this gateway has as many streams as it may have or ends them."""
        if self._ending:
            raise retry_later(503, "this gateway stops; connect again")
        if self._of_key[key.digest] >= limits.STREAMS_PER_KEY_MAX:
            raise denied(429, f"this key has {limits.STREAMS_PER_KEY_MAX} streams open; close one first", key, ANY)
        if len(self._sessions) >= limits.STREAMS_MAX:
            raise retry_later(503, f"this gateway has {limits.STREAMS_MAX} streams open")

    async def serve(self, key: KeyRecord, peer: str, receive: Receive, send: Send) -> None:
        """Accept a connection for which there is room, and run it to its end."""
        session = Session(self.services, self.calls, key, peer, receive, send)
        self._sessions.add(session)
        self._of_key[key.digest] += 1
        self.services.metrics.streams_open += 1
        code = _ABNORMAL
        try:
            await send({"type": "websocket.accept"})
            end = await session.run()
            code = end.code if end is not None else _NORMAL
        except OSError as error:
            log.info("stream_not_accepted", error=type(error).__name__)  # the client did not wait for the answer
        finally:
            self._sessions.discard(session)
            if self._empty is not None and not self._sessions:
                self._empty.set()
            self._of_key[key.digest] -= 1
            if not self._of_key[key.digest]:
                del self._of_key[key.digest]
            self.services.metrics.streams_open -= 1
            self.services.metrics.stream_ended(code)

    def look(self) -> None:
        """Called after each look at the keys: end the streams of dead keys and of clients that do not read."""
        for session in list(self._sessions):
            if not self.services.authoriser.still_live(session.key):
                session.end(closing.KEY_ENDED)
            elif session.unread_s() * limits.SECOND_MS > limits.STREAM_UNREAD_MS_MAX:
                session.end(closing.UNREAD)

    async def end_all(self) -> None:
        """This gateway stops: accept no more, answer what is in flight, close. Returns within a bound."""
        self._ending = True
        for session in list(self._sessions):
            session.end(closing.GOING_AWAY)
        if not self._sessions:
            return
        self._empty = asyncio.Event()
        try:
            async with asyncio.timeout((limits.STREAM_DRAIN_MS_MAX + limits.STREAM_CLOSE_MS_MAX) / limits.SECOND_MS):
                await self._empty.wait()
        except TimeoutError:
            log.info("streams_not_ended", streams=len(self._sessions))
