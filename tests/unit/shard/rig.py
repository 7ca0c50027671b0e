"""A shard inside the test's own process: real files, a scorer and a coordinator that are plain functions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from simulation.catalog import plan
from support.stores import installed

from actors.profile_shard import ProfileShard
from actors.scoring.interface import Matrix, Scorer, Wanted
from actors.shard.store import Appended
from models import ids
from models.canonical import pack, unpack
from models.coordination.messages import CatalogNews, Granted, Instructions, Report
from models.errors import KairosError
from models.turn.commands import Command, Reply
from models.turn.results import TurnResult

T = TypeVar("T")
SECRET = b"secret"
TENANT = ids.MAIN_TENANT
START_MS = 1_767_225_600_000  # 2026-01-01


class LeftError(KairosError):
    """The shard would have left its process."""


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 180))


def key(customer_id: str) -> bytes:
    return ids.customer_key(SECRET, TENANT, customer_id)


def event(customer_id: str, event_id: str, total: float = 10.0, type_: str = "basket", **more: Any) -> Command:
    body = {
        "event_id": event_id, "customer_id": customer_id, "type": type_, "time_ms": START_MS, "channel": "desk",
        "properties": {"total": total}, **more,
    }
    return Command("event", key(customer_id), customer_id, body, event_id, tenant=TENANT)


def decision(customer_id: str, request_id: str, deadline_ms: int = 0, **more: Any) -> Command:
    body = {
        "request_id": request_id, "customer_id": customer_id, "channel": "web",
        "placements": [{"id": "strip", "count": 1}], "context": {}, "event": None, "exclude": [],
        "dry_run": False, "explain": False, "min_state_version": None, "deadline_ms": 1_000, **more,
    }
    return Command("decision", key(customer_id), customer_id, body, request_id, deadline_ms, TENANT)


def read(customer_id: str, kind: str = "profile", **body: Any) -> Command:
    return Command(kind, key(customer_id), customer_id, body, "read", tenant=TENANT)


class FakeScorer:
    """No champion, unless told to fail. ``asked`` counts the waves."""

    def __init__(self) -> None:
        self.failing = False
        self.asked = 0

    async def find(self, _wanted: Wanted = ()) -> None:
        if self.failing:
            raise ConnectionError("no scorer")

    async def ping(self) -> None:
        await self.find()
        self.asked += 1

    async def predict(self, version: str, matrix: Matrix) -> Matrix:
        raise AssertionError("there is no champion")

    async def contributions(self, version: str, matrix: Matrix) -> Matrix:
        raise AssertionError("there is no champion")


class FakeCoordinator:
    """Hands out a small catalog and plenty of every budget."""

    def __init__(self) -> None:
        self.catalog: CatalogNews | None = CatalogNews(plan().version, dict(plan().catalog))
        self.clock_ms = START_MS
        self.reports: list[Report] = []
        self.gone = False

    async def __call__(self, report: bytes) -> bytes:
        if self.gone:
            raise ConnectionError("no coordinator")
        self.reports.append(Report.from_wire(unpack(report)))
        return pack(self.instructions(self.reports[-1]).to_wire())

    def instructions(self, report: Report) -> Instructions:
        grants = tuple(Granted(want.budget, want.period, 1_000_000) for want in report.wants)
        news = self.catalog if self.catalog and report.catalog_version != self.catalog.version else None
        return Instructions(1, catalog=news, grants=grants, clock_ms=self.clock_ms)


class Rig:
    """One data directory, in which shards come and go."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.store = installed(directory)
        self.scorer: Scorer = FakeScorer()
        self.coordinator = FakeCoordinator()
        #: Why shards left their process.
        self.left: list[str] = []

    def leave(self, reason: str) -> NoReturn:
        self.left.append(reason)
        raise LeftError(reason)

    @asynccontextmanager
    async def shard(self, **settings: Any) -> AsyncIterator[ProfileShard]:
        """A shard that has adopted the catalog; ended without any farewell, as by a kill."""
        plain = {"shard": 0, "shards": 1, "data_dir": str(self.directory), "clock": "manual", "clock_ms": START_MS}
        shard = ProfileShard(
            {**plain, **settings}, scorer=self.scorer, call_coordinator=self.coordinator, die=self.leave,
            secret=SECRET,
        )
        await shard.poke()
        try:
            if self.coordinator.catalog and not self.coordinator.gone:
                await until(lambda: shard.status(), lambda status: status["ready"] and not status["degraded"])
            yield shard
        finally:
            await shard.stop()


async def until(ask: Callable[[], Awaitable[bytes]], is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Ask until it is so; the shard's own tasks run in between."""
    while not is_so(status := unpack(await ask())):  # noqa: ASYNC110
        await asyncio.sleep(0)
    return dict(status)


async def send(shard: ProfileShard, *commands: Command) -> list[tuple[int, Any]]:
    answer = unpack(await shard.handle(pack([command.to_wire() for command in commands])))
    replies = [Reply.from_wire(wire) for wire in answer["r"]]
    return [(reply.status, unpack(reply.body)) for reply in replies]


def hold_commits(shard: Any) -> tuple[threading.Event, threading.Event]:
    """Appends of this shard wait: (set when one has come, to be set to let it go on)."""
    reached, go_on = threading.Event(), threading.Event()
    commit = shard._parts.store.commit

    def held(result: TurnResult) -> Appended:
        reached.set()
        assert go_on.wait(30)
        appended: Appended = commit(result)
        return appended

    shard._parts.store.commit = held
    return reached, go_on
