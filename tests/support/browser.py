"""A real browser on the console: Debian's Chromium, headless, driven by Playwright.

Whatever a page writes to its console as an error, raises, or asks of another host, fails the test that opened it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

CHROMIUM: Final = shutil.which("chromium")
#: Without a sandbox as tests run as root in CI; nothing of the browser's own may look for hosts.
_ARGUMENTS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb", "--hide-scrollbars",
)
_WAIT_MS: Final = 15_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; without one the test is skipped, or fails where it must be there."""
    if CHROMIUM is None:
        said = "there is no Chromium; apt-get install chromium"
        if os.environ.get("KAIROS_REQUIRE_BROWSER"):
            pytest.fail(said)
        pytest.skip(said)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Watch:
    """What the pages of one viewer said and asked for."""

    host: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    #: Problems that a test provokes on purpose: a message that holds one of these is no error.
    expected: list[str] = field(default_factory=list)

    def follow(self, context: BrowserContext) -> None:
        context.on("request", self._on_request)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.errors.append(f"uncaught: {error.error}"))

    def _on_request(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self.host and urlsplit(request.url).scheme not in ("data", "blob"):
            self.foreign.append(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(part in message.text for part in self.expected):
            self.errors.append(message.text)

    def is_clean(self) -> None:
        assert not self.foreign, f"a page asked other hosts: {self.foreign}"
        assert not self.errors, f"a page had errors: {self.errors}"


def one_time_link(url: str, key: str) -> str:
    """A link for the viewer whose key this is."""
    answer = httpx.post(f"{url}/console/links", headers={"authorization": f"Bearer {key}"}, timeout=30)
    assert answer.status_code == 200, answer.text
    link: str = answer.json()["link"]
    return link if link.startswith("http") else url + link


@contextmanager
def viewer(
    browser: Browser, url: str, key: str, *, width: int = 1280, height: int = 900, scheme: str = "light", **more: Any,
) -> Iterator[tuple[Page, Watch]]:
    """A page of somebody who came by a link of this key; what it must not do is looked at in the end."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce", **more,
    )
    context.set_default_timeout(_WAIT_MS)
    watch = Watch(urlsplit(url).netloc)
    watch.follow(context)
    page = context.new_page()
    page.goto(one_time_link(url, key))
    page.wait_for_url(lambda address: "/console/in/" not in address)
    yield page, watch
    context.close()
    watch.is_clean()


def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it stands: rule, impact, and the first places."""
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{one['id']} ({one['impact']}): {[node['target'] for node in one['nodes'][:3]]}" for one in found
    ]


def picture(page: Page, path: Path) -> None:
    """What is in the window, as a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, animations="disabled")
