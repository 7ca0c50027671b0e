"""The way of one incarnation of a shard to its journal: wait for the store, replay, stand by if told to, take over.

What may pass is waited for, however long: a store that is away, files that a dying process still holds. A standby
follows the log until it is asked to serve.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from actors.scoring.interface import Wanted
from actors.shard.clock import DecisionClock
from actors.shard.following import Follower
from actors.shard.garbage import settle_garbage
from actors.shard.parts import ShardParts
from actors.shard.settings import ShardSettings
from actors.shard.store import ShardStore
from actors.shard.writer import Writer
from actors.stores.interface import Store
from models import limits
from models.errors import JournalLocked, StoreAway

log = structlog.get_logger(__name__)
STARTING: Final = "starting"
STANDBY: Final = "standby"


@dataclass(frozen=True, slots=True)
class Owned:
    """A shard that stands at the end of its journal and owns it."""

    parts: ShardParts
    #: The installation's secret behind customer keys.
    secret: bytes


class Succession:
    def __init__(
        self, settings: ShardSettings, store: Store, on_standby: Callable[[bytes], object] = lambda _: None
    ) -> None:
        """``on_standby``: called with the installation's secret when this begins to stand by."""
        self._settings = settings
        self._store = store
        self._on_standby = on_standby
        self._asked = asyncio.Event()
        self.state = STARTING
        #: None until the store answered.
        self._parts: ShardParts | None = None
        self._follower: Follower | None = None
        self._said_s = -limits.LOCK_SAID_MS / 1_000

    @property
    def wanted(self) -> Wanted:
        """The scorers that have a role as of the newest row that was replayed."""
        layouts = self._parts.core.state.layouts if self._parts is not None else {}
        return [(version, layout.width) for version, layout in layouts.items()]

    @property
    def seq(self) -> int:
        """The newest row that was replayed."""
        return self._parts.core.state.seq if self._parts is not None else 0

    @property
    def behind(self) -> int:
        """Rows that the log had more when it was last looked at."""
        return self._follower.behind if self._follower is not None else 0

    def ask(self) -> None:
        """Stand by no longer."""
        self._asked.set()

    async def run(self) -> Owned:
        """Returns as the owner. Raises Superseded, JournalFailed, and whatever else must end the process."""
        while True:
            writer, store = Writer(), None
            try:
                store = await writer(self._store.shard_store, self._settings.shard)
                return await self._succeed(writer, store)
            except (JournalLocked, StoreAway) as error:
                self._say(error)
                await self._let_go(writer, store)
            except BaseException:
                await self._let_go(writer, store)
                raise
            await asyncio.sleep(limits.LOCK_RETRY_MS / 1_000)

    def _say(self, error: Exception) -> None:
        now_s = time.monotonic()
        if now_s - self._said_s >= limits.LOCK_SAID_MS / 1_000:
            self._said_s = now_s
            log.warning("waiting for the journal", shard=self._settings.shard, detail=str(error))

    async def _let_go(self, writer: Writer, store: ShardStore | None) -> None:
        self.state, self._parts, self._follower = STARTING, None, None
        writer.stop()
        if store is not None:
            with contextlib.suppress(StoreAway):
                store.close()

    async def _succeed(self, writer: Writer, store: ShardStore) -> Owned:
        writer.is_remote = store.journal.is_remote
        secret = await writer(self._store.secret)
        parts = ShardParts(self._settings, store, DecisionClock(self._settings), writer=writer)
        follower = Follower(parts)
        self._parts, self._follower = parts, follower
        await writer(follower.begin, f"{socket.gethostname()}:{os.getpid()}")
        while await writer(follower.step):
            pass
        if follower.is_standby and not self._asked.is_set():
            await self._stand_by(writer, follower, secret)
        await writer(follower.take_over)
        return Owned(parts, secret)

    async def _stand_by(self, writer: Writer, follower: Follower, secret: bytes) -> None:
        self._on_standby(secret)
        settle_garbage()
        self.state = STANDBY
        log.info("shard stands by", shard=self._settings.shard, incarnation=self._settings.incarnation, seq=self.seq)
        while not self._asked.is_set():
            await writer(follower.follow)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limits.FOLLOW_MS / 1_000):
                    await self._asked.wait()
