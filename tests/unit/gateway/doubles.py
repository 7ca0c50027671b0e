"""The gateway without Ray: the real ASGI application over a backend inside the test's process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from actors import access
from actors.gateway.app import GatewayApp
from actors.gateway.authorise import Authoriser
from actors.gateway.batching import ShardGone
from actors.gateway.metrics import Metrics
from actors.gateway.services import Services, Settings
from models import canonical
from models.monitoring.seen import Seen
from models.turn.commands import Command, Reply

SECRET = b"secret"
EVENT = {"event_id": "e-1", "customer_id": "c-1", "type": "basket", "time": "2026-11-02T18:00:00Z"}
DECISION = {"customer_id": "c-1", "channel": "web", "placements": [{"id": "hero"}]}
Handler = Callable[[int, list[Command]], Awaitable[list[Reply]]]


async def echo(_: int, commands: list[Command]) -> list[Reply]:
    """Every command answers with itself; events and outcomes as applied items."""
    return [Reply(200, canonical.pack(_echoed(command))) for command in commands]


def _echoed(command: Command) -> dict[str, Any]:
    for field in ("event_id", "outcome_id"):
        if field in command.body:
            return {field: command.body[field], "status": "applied", "state_version": 1}
    return {"kind": command.kind, "customer_id": command.customer_id, "body": command.body}


class FakeBackend:
    """Shards as one coroutine, a coordinator that repeats what it was asked; every call is kept."""

    def __init__(self, handle: Handler = echo) -> None:
        self.handle = handle
        self.batches: list[tuple[int, list[Command]]] = []
        self.coordinator_calls: list[tuple[str, tuple[Any, ...]]] = []
        self.status: dict[int, dict[str, Any]] = {}
        self.coordinator_answer: list[Any] | None = None
        self.insight_calls: list[tuple[str, tuple[Any, ...]]] = []
        #: What Insight answers by method; without one it is away.
        self.insight_answers: dict[str, Any] = {}
        self.seen = Seen()

    @property
    def commands(self) -> list[Command]:
        return [command for _, batch in self.batches for command in batch]

    async def shard(self, shard: int, method: str, *args: Any) -> bytes:
        if method == "status":
            return canonical.pack(self.status.get(shard, {"catalog_version": "sha256:0", "ready": True}))
        if method == "figures":
            return canonical.pack({"kairos_shard_epoch": [[[], 7]], "kairos_made_up": [[[], 1]]})
        if method == "monitor":
            return canonical.pack(self.seen.to_wire())
        if method in ("journal", "base"):
            return canonical.pack({"rows": [], "args": list(args)})
        raise AssertionError(f"no shard is asked for {method} in this way")

    async def batch(self, shard: int, batch: bytes, follows: bool = False) -> bytes:
        commands = [Command.from_wire(wire) for wire in canonical.unpack(batch)]
        self.batches.append((shard, commands))
        replies = await self.handle(shard, commands)
        return canonical.pack({"r": [reply.to_wire() for reply in replies], "t": {"shard": 2.5, "commit": 0.5}})

    async def coordinator(self, method: str, *args: Any) -> bytes:
        asked = tuple(canonical.unpack(arg) if isinstance(arg, bytes) else arg for arg in args)
        self.coordinator_calls.append((method, asked))
        told = {"catalog_version": "sha256:0"} if method == "catalog" else {"asked": method}
        return canonical.pack(self.coordinator_answer or [200, told])

    async def insight(self, method: str, *args: Any) -> bytes:
        self.insight_calls.append((method, tuple(canonical.unpack(a) if isinstance(a, bytes) else a for a in args)))
        if method not in self.insight_answers:
            raise ShardGone("there is no actor")
        return canonical.pack(self.insight_answers[method])


class Served:
    """A gateway in a directory of its own, and a client with the admin key."""

    def __init__(self, data_dir: Path, backend: Any = None, shards: int = 2, clock: str = "manual") -> None:
        self.data_dir = data_dir
        self.backend = backend or FakeBackend()
        access.ensure_admin_key(access.FileAccess(data_dir), data_dir, now_ms=0)
        self.now_s = 100.0
        self.authoriser = Authoriser(access.FileAccess(data_dir), now_s=lambda: self.now_s)
        settings = Settings(data_dir, shards, SECRET, clock)
        self.services = Services(settings, self.backend, self.authoriser, Metrics())
        self.app = GatewayApp(self.services)

    def key(self, *scopes: str, rate: float | None = None) -> str:
        name = f"key {len(access.FileAccess(self.data_dir).records())}"
        key = access.create(access.FileAccess(self.data_dir), name, scopes, now_ms=0, rate=rate)
        self.authoriser.refresh()
        return key

    def client(self, key: str | None = None) -> httpx.AsyncClient:
        bearer = access.read_admin_key(self.data_dir) if key is None else key
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://kairos",
            headers={"authorization": f"Bearer {bearer}"} if bearer else {},
        )

    def ask(self, method: str, url: str, key: str | None = None, **arguments: Any) -> httpx.Response:
        """One request in an event loop of its own."""

        async def run() -> httpx.Response:
            async with self.client(key) as client:
                return await client.request(method, url, **arguments)

        return asyncio.run(run())
