"""A browser without a screen: the console's application over the fake API, in the test's own process."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Mapping

import httpx

from cluster.console.app import ConsoleConfig, console_app
from support.console_api import FakeApi
from support.console_sessions import COOKIE, CSRF, EVERYTHING, MemorySessions, signed_in

HOST = "http://kairos"


class Browser:
    """``await browser.get("/console/now")``; ``post`` sends a form with the session's secret, as our pages do."""

    def __init__(self, api: FakeApi | None = None, sessions: MemorySessions | None = None) -> None:
        self.api = api or FakeApi()
        self.sessions = sessions or signed_in()
        self.app = console_app(ConsoleConfig("http://api", transport=self.api.transport), self.sessions)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url=HOST, cookies={"kairos_console": COOKIE},
        )

    @classmethod
    def with_scopes(cls, *scopes: str) -> Browser:
        return cls(sessions=signed_in(frozenset(scopes)))

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return await self.http.get(path, headers=dict(headers or {}))

    async def live(self, path: str, etag: str | None = None) -> httpx.Response:
        """As live.js asks."""
        return await self.get(path, {"x-kairos-live": "1", **({"if-none-match": etag} if etag else {})})

    async def post(
        self, path: str, form: Mapping[str, str] | None = None, *, csrf: str | None = CSRF, origin: str | None = HOST,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        fields = {**(form or {}), **({} if csrf is None else {"csrf": csrf})}
        sent = {**({} if origin is None else {"origin": origin}), **(headers or {})}
        return await self.http.post(path, data=fields, headers=sent)


def shown(browser: Browser, path: str, status: int = 200) -> str:
    """The page at this path, which answers with this status."""
    answer = asyncio.run(browser.get(path))
    assert answer.status_code == status, answer.text
    return answer.text


def words(page: str) -> str:
    """What is read, markup left out."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


__all__ = ["EVERYTHING", "HOST", "Browser", "shown", "words"]
