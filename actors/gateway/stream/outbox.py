"""The answers of one connection on their way out: put by whoever finishes a call, written by one writer.

Answers that are ready together are written in one go; the server's transport sends them as one piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from actors.gateway.body import ClientGone, Send


class Outbox:
    def __init__(self, send: Send, written: Callable[[int], None]) -> None:
        """``written`` is told the items of each frame (see ``Job``) whose answer is with the transport."""
        self._send = send
        self._written = written
        self._ready: list[tuple[bytes, int]] = []
        self._wake: asyncio.Future[None] | None = None
        #: Loop time at which the write in progress began, None between writes.
        self.writing_since_s: float | None = None

    def put(self, frame: bytes, items: int) -> None:
        self._ready.append((frame, items))
        if self._wake is not None:
            if not self._wake.done():
                self._wake.set_result(None)
            self._wake = None

    async def run(self) -> None:
        """Write until cancelled. Raises ``ClientGone``."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._ready:
                self._wake = loop.create_future()
                await self._wake
            batch, self._ready = self._ready, []
            for frame, items in batch:
                self.writing_since_s = loop.time()
                try:
                    await self._send({"type": "websocket.send", "bytes": frame})
                except (OSError, RuntimeError) as error:  # so the server tells that the connection has ended
                    raise ClientGone from error
                self.writing_since_s = None
                self._written(items)

    def unread_s(self) -> float:
        """For how long the transport has not taken the answer in hand: the client does not read."""
        since_s = self.writing_since_s
        return 0.0 if since_s is None else asyncio.get_running_loop().time() - since_s
