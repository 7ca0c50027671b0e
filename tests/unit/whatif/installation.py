"""A whole Kairos in this process whose shards may be away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from support.in_process import InProcess

START_MS = 1_767_225_600_000  # 2026-01-01


class Installation(InProcess):
    def __init__(self, place: Path, monkeypatch: Any) -> None:
        super().__init__(place, START_MS, monkeypatch)
        #: Shards that answer only batches.
        self.away: set[int] = set()
        #: (shard, method) of other calls.
        self.calls: list[tuple[int, str]] = []

    async def shard(self, shard: int, method: str, *args: Any) -> bytes:
        self.calls.append((shard, method))
        if shard in self.away:
            raise ConnectionError("away")
        return await super().shard(shard, method, *args)

    async def ask(self, method: str, path: str, body: Any = None, *, key: str = "", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key or self.key}"}
        async with httpx.AsyncClient(transport=self.transport(), base_url="http://k", headers=headers) as client:
            return await client.request(method, path, json=body, **more)

    async def publish(self, catalog: dict[str, Any]) -> None:
        answer = await self.ask("PUT", "/v1/catalog", catalog)
        assert answer.status_code in (200, 202), answer.text
        while (await self.ask("GET", "/readyz")).status_code != 200:
            continue
