"""The console with its doors over a real store, a clock that is set, and an API that says whose key it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from actors.sessions import Vault
from actors.sessions.sqlite_sessions import SqliteSessions
from cluster.console.doors.door import console_with_doors
from cluster.console.doors.sealed import SealedSessions
from cluster.console.frame import COOKIE, ConsoleConfig

T = TypeVar("T")
KEY = "kairos_" + "k" * 43
OTHER_KEY = "kairos_" + "o" * 43
NOW_S = 1_796_000_000.0
SECRET = bytes(range(32))


@dataclass
class FakeApi:
    """``callers``: by key. What else is asked is answered 200 for a key that lives."""

    callers: dict[str, dict[str, Any]] = field(default_factory=lambda: {
        KEY: {"name": "ops", "tenant": "main", "scopes": ["config:read"], "expires": None, "key_id": "0a"},
        OTHER_KEY: {"name": "till", "tenant": "acme", "scopes": ["events:write"], "expires": None, "key_id": "0b"},
    })
    #: Answered instead, when it is set.
    instead: Callable[[httpx.Request], httpx.Response] | None = None
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if self.instead is not None:
            return self.instead(request)
        caller = self.callers.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if caller is None:
            return httpx.Response(401, json={"status": 401, "title": "Unauthorized", "detail": "unknown key"}, headers={
                "www-authenticate": "Bearer",
            })
        catalog = {"catalog": {"currency": "EUR", "timezone": "UTC"}}
        return httpx.Response(200, json=caller if request.url.path == "/v1/caller" else catalog)


class Rig:
    """``https``: whether browsers reach it so; ``host``: under which name."""

    def __init__(self, data_dir: Path, base: str = "http://127.0.0.1:8000") -> None:
        self.api = FakeApi()
        self.now_s = NOW_S
        self.base = base
        self.data_dir = data_dir
        self.app = self.another_process()

    def another_process(self) -> Any:
        vault = Vault(SqliteSessions(self.data_dir), SECRET, lambda: self.now_s)
        config = ConsoleConfig("http://api", transport=httpx.MockTransport(self.api))
        return console_with_doors(config, SealedSessions(vault))

    def damage(self) -> None:
        """What is stored cannot be read any more, by a process that begins now."""
        for path in self.data_dir.glob("console.db*"):
            path.unlink()
        (self.data_dir / "console.db").write_bytes(b"no database at all" * 500)
        self.app = self.another_process()

    def browser(self) -> httpx.AsyncClient:
        """A browser of its own, with its own cookies."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=self.base)

    async def link(self, key: str = KEY) -> str:
        async with self.browser() as browser:
            answer = await browser.post("/console/links", headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["link"])

    async def signed_in(self, key: str = KEY) -> httpx.AsyncClient:
        browser = self.browser()
        answer = await browser.get(await self.link(key))
        assert answer.status_code == 200, answer.text
        assert browser.cookies.get(COOKIE)
        return browser


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(work())
