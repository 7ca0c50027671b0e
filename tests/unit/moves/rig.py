"""Incarnations of one shard in the test's own process, over a store that they share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support.shared_store import SharedStore
from unit.shard.rig import SECRET, START_MS, Rig, until

from actors.journal.interface import Journal
from actors.profile_shard import ProfileShard
from actors.shard.clock import DecisionClock
from actors.shard.following import Follower, recover
from actors.shard.parts import ShardParts
from actors.shard.settings import ShardSettings
from actors.shard.store import ShardStore
from models.canonical import pack, unpack
from models.profile import packing
from models.turn.keys import KeyPair


class Moves(Rig):
    def __init__(self, directory: Path, store: Any = None) -> None:
        """``store``: one that incarnations share, unless it is to be made."""
        super().__init__(directory)
        self.shared = store or SharedStore(directory)
        self._opened: list[ShardStore] = []
        #: Why shards asked Ray to end them for good.
        self.retired: list[str] = []

    def settings(self, incarnation: int, **more: Any) -> dict[str, Any]:
        return {
            "shard": 0, "shards": 1, "data_dir": str(self.directory), "clock": "manual", "clock_ms": START_MS,
            "incarnation": incarnation, **more,
        }

    def make(self, incarnation: int, **settings: Any) -> ProfileShard:
        return ProfileShard(
            self.settings(incarnation, **settings), scorer=self.scorer, call_coordinator=self.coordinator,
            die=self.leave, retire=self.retired.append, secret=SECRET, store=self.shared,
        )

    @asynccontextmanager
    async def incarnation(self, number: int, **settings: Any) -> AsyncIterator[ProfileShard]:
        """One that stands by, or serves and has adopted the catalog; ended without a farewell."""
        shard = self.make(number, **settings)
        try:
            if settings.get("standby"):
                await until(shard.status, lambda status: status["state"] != "starting")
            else:
                await shard.poke()
                await until(shard.status, lambda status: status["ready"] and not status["degraded"])
            yield shard
        finally:
            await shard.stop()

    def parts(self, incarnation: int, **settings: Any) -> ShardParts:
        """Of an incarnation that is nothing but its replay."""
        told = ShardSettings.from_plain(self.settings(incarnation, **settings))
        self._opened.append(self.shared.shard_store(0))
        return ShardParts(told, self._opened[-1], DecisionClock(told))

    def close(self) -> None:
        """Let go of what was opened for replays."""
        for store in self._opened:
            store.close()

    def follower(self, incarnation: int, **settings: Any) -> tuple[ShardParts, Follower]:
        parts = self.parts(incarnation, standby=True, **settings)
        follower = Follower(parts)
        follower.begin("a standby")
        return parts, follower

    def restarted(self, incarnation: int, **settings: Any) -> ShardParts:
        """What a restart would hold."""
        parts = self.parts(incarnation, **settings)
        recover(parts, "a restart")
        return parts


def image(parts: ShardParts, customers: list[bytes], keys: list[KeyPair]) -> dict[str, Any]:
    """All that a shard knows, from memory or from the store, in bytes."""
    journal: Journal = parts.store.journal
    stored_keys = journal.load_keys(keys)
    known = {pair: parts.core.state.recall(pair) or stored_keys.get(pair) for pair in keys}
    return {
        "state": parts.core.pack_state(),
        "keys": {pair: None if e is None else (e.seq, e.at_ms, e.fingerprint, e.hint) for pair, e in known.items()},
        "keys in memory": sorted(parts.core.state.recent),
        "rows in memory": sorted(parts.recent_rows._rows.items()),
        "tail": (parts.tail.turns, parts.tail.segments, parts.tail.bytes),
        "customers": {customer: customer_image(parts, customer) for customer in customers},
        "rows": {customer: rows_image(parts, customer) for customer in customers},
        "due": {customer: due_ms for customer in customers if (due_ms := _due(parts, customer))},
    }


def customer_image(parts: ShardParts, customer: bytes) -> tuple[int, bytes] | None:
    """Generation and profile; None for one that is not there."""
    entry = parts.residency.get(customer)
    if entry is None:
        loaded = parts.store.load([customer]).profiles.get(customer)
        return None if loaded is None else (loaded.generation, packing.pack(packing.unpack(loaded.packed)))
    profile = parts.residency.take([customer])[customer]
    return None if profile is None else (profile.generation, packing.pack(profile))


def rows_image(parts: ShardParts, customer: bytes) -> list[int]:
    stored = parts.store.journal.rows_of(customer, None, 10_000)
    return sorted({*stored, *parts.recent_rows.of(customer)})


def _due(parts: ShardParts, customer: bytes) -> int:
    entry = parts.residency.get(customer)
    if entry is not None:
        return entry.due_ms
    loaded = parts.store.load([customer]).profiles.get(customer)
    return loaded.due_ms if loaded is not None else 0


async def advance(rig: Moves, shard: ProfileShard, **news: Any) -> None:
    """Let time pass, and tell the shard news of the coordinator with it."""
    from models.coordination.messages import Instructions

    rig.coordinator.clock_ms += 1_000
    await shard.advance(pack(Instructions(1, clock_ms=rig.coordinator.clock_ms, **news).to_wire()))


async def standing(shard: ProfileShard) -> dict[str, Any]:
    return dict(unpack(await shard.status()))


async def spin(times: int = 50) -> None:
    for _ in range(times):
        await asyncio.sleep(0)
