"""Whether a shard that owns its journal serves at this moment, or was released to make way for its next incarnation.

Released, it does nothing and answers nobody, yet it is whole: if no other incarnation takes over in time, it goes on.
Only the store knows whether one did, so that is asked first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from actors.link.server import LinkServer
from actors.shard.turn_loop import TurnLoop
from models import limits

log = structlog.get_logger(__name__)


class Duty:
    def __init__(
        self, loop: TurnLoop, link: LinkServer | None, listens: asyncio.Event,
        still_owns: Callable[[], Awaitable[bool]], spawn: Callable[[Awaitable[None]], None],
    ) -> None:
        """``listens``: set while batches are taken. ``still_owns``: asks the store; it may well not return."""
        self._loop = loop
        self._link = link
        self._listens = listens
        self._still_owns = still_owns
        self._spawn = spawn
        self._releases = 0
        self._patience: asyncio.TimerHandle | None = None
        self.is_serving = True
        listens.set()

    async def release(self) -> None:
        """Refuse what waits and what comes; returns when the turn in hand is done. Repeating it gives more time."""
        self._releases += 1
        self.is_serving = False
        self._listens.clear()
        self.stop()
        wait_s = limits.RELEASE_MS_MAX / 1_000
        self._patience = asyncio.get_running_loop().call_later(wait_s, self._lose_patience)
        await self._loop.release()
        if self._link is not None:
            self._link.hang_up(limits.RELEASE_ANSWERS_MS)

    async def resume(self) -> None:
        """Serve again, unless another incarnation has taken over, or there was another release meanwhile."""
        number = self._releases
        if self.is_serving or not await self._still_owns() or number != self._releases:
            return
        self.stop()
        self.is_serving = True
        self._loop.resume()
        self._listens.set()

    def end(self) -> None:
        """Serve no more, ever."""
        self._releases += 1
        self.is_serving = False
        self._listens.clear()
        self.stop()

    def stop(self) -> None:
        """Wait for nothing."""
        if self._patience is not None:
            self._patience.cancel()

    def _lose_patience(self) -> None:
        log.warning("released and not succeeded; serving again")
        self._spawn(self.resume())
