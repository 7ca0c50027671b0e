"""A whole Kairos in one process and one event loop: real gateway, shards, coordinator and scorer, but neither Ray nor a
socket. For tests that need everything together and no process to kill."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, NoReturn

import httpx

from actors import access, coordinator
from actors.coordinator import Coordinator
from actors.gateway.app import GatewayApp
from actors.gateway.authorise import Authoriser
from actors.gateway.batching import ShardGone
from actors.gateway.metrics import Metrics
from actors.gateway.services import Services, Settings
from actors.gateway.tracing import GatewayTracing
from actors.insight.what_if import WhatIf
from actors.profile_shard import ProfileShard
from actors.scoring.in_process import InProcessScorer
from actors.scoring.interface import Scorer
from actors.scoring.loaded import LoadedScorers, open_scorers
from actors.stores.opening import open_store
from models import ids, limits
from models.errors import InvariantBroken

#: Behind the customer keys of every such installation.
SECRET = b"secret"


def _die(reason: str) -> NoReturn:
    raise InvariantBroken(reason)


class InProcess:
    """Backend of the gateway and shards of the coordinator at once. ``start`` it inside an event loop."""

    def __init__(
        self, data_dir: Path, clock_ms: int, monkeypatch: Any, shards: int = 2, *, scorer: Scorer | None = None,
        tracing: GatewayTracing | None = None, store: str = "sqlite",
    ) -> None:
        """``store``: "sqlite", or a postgresql:// URL."""
        self._plain = {"data_dir": str(data_dir), "shards": shards, "clock": "manual", "clock_ms": clock_ms,
                       "store": store}
        self._data_dir = data_dir
        opened = open_store(self._plain)
        opened.install(shards, limits.SLOTS)
        self._access = opened.access()
        self._scorer = scorer or InProcessScorer(lambda: open_scorers(opened.scorers()))
        self._pokes: set[Any] = set()
        self._keys: dict[str, str] = {}
        self.shards: list[ProfileShard] = []
        #: Of decisions made lately: (customer key, request as logged), newest first.
        self.lately: list[tuple[bytes, dict[str, Any]]] = []
        #: Insight, where a test has one.
        self.insight_actor: Any = None
        self.what_if = WhatIf(self.shard, shards, lambda: LoadedScorers(opened.scorers()), self._requests)
        monkeypatch.setattr(coordinator, "RayShards", lambda: self)
        access.ensure_admin_key(self._access, data_dir, now_ms=0)
        self._authoriser = Authoriser(self._access)
        settings = Settings(data_dir, shards, SECRET, "manual")
        self.services = Services(settings, self, self._authoriser, Metrics(), tracing=tracing)
        self.app = GatewayApp(self.services)

    async def start(self) -> None:
        self.coordinator_actor = Coordinator(self._plain)
        self.shards = [self._shard(number) for number in range(self._plain["shards"])]
        for shard in self.shards:
            await shard.status()

    async def lose(self, number: int) -> None:
        """One shard is gone without a checkpoint, and another takes its journal over."""
        await self.shards[number].stop()
        self.shards[number] = self._shard(number)

    async def stop(self) -> None:
        for shard in self.shards:
            await shard.stop()
        await self.coordinator_actor.drain()

    def transport(self) -> httpx.ASGITransport:
        return httpx.ASGITransport(self.app)

    @property
    def key(self) -> str:
        return access.read_admin_key(self._data_dir)

    def key_of(self, tenant: str) -> str:
        """A key with all scopes for a tenant's customers."""
        if tenant not in self._keys:
            name = f"all of {tenant} {len(self._access.records())}"
            self._keys[tenant] = access.create(self._access, name, ["*"], now_ms=0, tenant=tenant)
            self._authoriser.refresh()
        return self._keys[tenant]

    async def shard(self, shard: int, method: str, *args: Any) -> bytes:
        answer: bytes = await getattr(self.shards[shard], method)(*args)
        return answer

    async def batch(self, shard: int, commands: bytes, follows: bool = False) -> bytes:
        return await self.shards[shard].handle(commands)

    async def coordinator(self, method: str, *args: Any) -> bytes:
        answer: bytes = await getattr(self.coordinator_actor, method)(*args)
        return answer

    async def insight(self, method: str, *args: Any) -> bytes:
        if self.insight_actor is not None:
            told: bytes = await getattr(self.insight_actor, method)(*args)
            return told
        if method != "what_if":
            raise ShardGone("no test here has anything counted")
        return await self.what_if.what_if(*args)

    def _requests(self, tag: bytes, channel: str | None, size: int) -> list[tuple[bytes, dict[str, Any]]]:
        return [
            (customer, request) for customer, request in self.lately
            if customer[: ids.TENANT_TAG_BYTES] == tag and channel in (None, request["channel"])
        ][:size]

    def poke(self, shard: int) -> None:
        task = asyncio.get_running_loop().create_task(self.shards[shard].poke())
        self._pokes.add(task)
        task.add_done_callback(self._pokes.discard)

    async def advance(self, shard: int, instructions: bytes) -> bool:
        await self.shards[shard].advance(instructions)
        return True

    def _shard(self, number: int) -> ProfileShard:
        settings = {**self._plain, "shard": number}
        return ProfileShard(
            settings, scorer=self._scorer, call_coordinator=self.coordinator_actor.sync, die=_die, secret=SECRET,
        )
