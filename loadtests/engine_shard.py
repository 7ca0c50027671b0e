"""A whole shard without Ray: the turn, the journal with its fsync and its seals, the scorer in process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from actors.shard.checkpointing import Checkpointer
from actors.shard.clock import DecisionClock
from actors.shard.following import recover
from actors.shard.garbage import settle_garbage
from actors.shard.parts import ShardParts
from actors.shard.settings import ShardSettings
from actors.shard.turn_loop import TurnLoop
from actors.shard.turning import TurnRunner
from actors.shard.watching import Watcher
from actors.stores.sqlite import SqliteStore
from loadtests import scenario
from models import canonical, limits
from models.budgets.periods import period_key
from models.catalog.check import compile_catalog
from models.ids import MAIN_TENANT, customer_key
from models.messages.decisions import DecisionRequest
from models.scoring.booster import Booster
from models.scoring.roles import Roles
from models.turn.commands import DECISION, HISTORY, Command
from models.turn.shard_facts import CatalogAdopted, Granted, RolesAdopted
from models.turn.wave_parts import Scored

SECRET = b"benchmark benchmark benchmark b "
GRANT = 100_000_000


def _die(reason: str) -> NoReturn:
    raise SystemExit(reason)


class InProcess:
    """Scores in the shard's own process."""

    def __init__(self, booster: Booster | None) -> None:
        self.booster = booster
        self.rows = 0

    async def score(self, version: str | None, matrix: NDArray[np.float32], wait_ms: float) -> Scored:
        if self.booster is None:
            return Scored(None, False)
        self.rows += len(matrix)
        return Scored(self.booster.predict(matrix), False)

    async def contributions(self, version: str, matrix: NDArray[np.float32], wait_ms: float) -> None:
        """No benchmark asks why."""


class EngineShard:
    """Bytes in, bytes out: what ``ProfileShard.handle`` does, called directly."""

    def __init__(
        self, place: Path, catalog: dict[str, Any], booster: Booster | None = None, **settings: Any,
    ) -> None:
        plain = ShardSettings(shard=0, shards=1, data_dir=str(place), **settings)
        installation = SqliteStore(place)
        installation.install(plain.shards, limits.SLOTS)
        store = installation.shard_store(plain.shard)
        self.parts = ShardParts(plain, store, DecisionClock(plain))
        self.scorer = InProcess(booster)
        self.watcher = Watcher(self.parts)
        self.runner = TurnRunner(self.parts, self.scorer, watch=self.watcher.see)
        self._loop = TurnLoop(self.parts, self.runner, _die)
        self._running: list[asyncio.Task[None]] = []
        self._catalog = catalog
        self._booster = booster

    async def open(self) -> None:
        """Recover what is there; at the first time adopt the catalog, the scorer and the first grants."""
        await self.parts.writer(recover, self.parts, "benchmark")
        if self.parts.core.state.plan is not None:
            return
        plan = compile_catalog(self._catalog)
        facts: list[Any] = [CatalogAdopted(plan.version, dict(plan.catalog))]
        if self._booster is not None:
            manifest = self._booster.manifest
            roles = Roles(1, manifest.version, manifests={manifest.version: manifest.to_wire()})
            facts.append(RolesAdopted(roles.to_wire()))
        now_ms = self.parts.now_ms()
        for budget in plan.budgets.values():
            facts.append(Granted(budget.id, period_key(budget.period, now_ms, plan.zone), GRANT))
        await self.runner.adopt(facts)
        settle_garbage()

    async def handle(self, batch: bytes) -> bytes:
        if not self._running:
            loop = asyncio.get_running_loop()
            self._running = [loop.create_task(self._loop.run()), loop.create_task(self.watcher.run())]
        commands = [Command.from_wire(wire) for wire in canonical.unpack(batch)]
        replies = await self._loop.submit(commands)
        return canonical.pack([reply.to_wire() for reply in replies])

    async def checkpoint(self) -> None:
        """A whole one now, between two turns."""
        await self._loop.at_boundary(Checkpointer(self.parts).finish)

    def close(self) -> None:
        for task in self._running:
            task.cancel()
        self.parts.writer.stop()
        self.parts.store.close()


def decision_wire(body: dict[str, Any]) -> list[Any]:
    """A decision request as the gateway sends it to the shard."""
    checked = DecisionRequest.model_validate(body).to_command_body(body["request_id"])
    key = customer_key(SECRET, MAIN_TENANT, body["customer_id"])
    return Command(DECISION, key, body["customer_id"], checked, body["request_id"], 0, MAIN_TENANT).to_wire()


def history_wire(customer: str, number: int, type_: str, time_ms: int, **properties: Any) -> list[Any]:
    """One event of a history import."""
    body = {
        "event_id": f"bench:{customer}:{number}", "customer_id": customer, "type": type_, "time_ms": time_ms,
        "channel": None, "properties": properties,
    }
    return Command(HISTORY, customer_key(SECRET, MAIN_TENANT, customer), customer, body, tenant=MAIN_TENANT).to_wire()


def history(customer: str, events: int, until_ms: int, days: float = 60.0) -> list[list[Any]]:
    """``events`` events spread over the days before ``until_ms``, over the scenario's four kinds."""
    step = int(days * 86_400_000 / max(events, 1))
    kinds = ("basket", "page_view", "search", "page_view")
    return [
        history_wire(
            customer, n, kinds[n % 4], until_ms - (events - n) * step, total=float(n % 90) + 0.5,
            departments=[f"D{n % 12}", f"D{n % 7}"],
        )
        for n in range(events)
    ]


async def send(shard: EngineShard, wires: list[list[Any]], size: int = 256) -> list[list[Any]]:
    """Hand over commands in batches; returns the replies."""
    replies: list[list[Any]] = []
    for start in range(0, len(wires), size):
        replies += canonical.unpack(await shard.handle(canonical.pack(wires[start : start + size])))
    return replies


__all__ = ["EngineShard", "decision_wire", "history", "history_wire", "scenario", "send"]
