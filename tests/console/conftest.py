"""One installation with real data for the browser's tests: `kairos demo` has replayed a few households, and serves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from support.browser import Watch, chromium, viewer
from support.server import Server, eventually, free_port, kairos

_HOUSEHOLDS = "20"
#: The replay of a year takes half a minute on a quiet machine.
_REPLAY_S = 300.0
#: Channel and placement of the demo's catalog that need no consent, and those that need it.
TILL, MAIL = ("pos", "receipt"), ("email", "mail_lead")
Opens = Callable[..., tuple[Page, Watch]]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Real households, replayed through the public API; the manual clock stands at the end of their year."""
    folder = tmp_path_factory.mktemp("console")
    data_dir, port, said = folder / "data", free_port(), folder / "said.txt"
    with said.open("wb") as output:
        command = [
            *kairos(), "demo", "--households", _HOUSEHOLDS, "--data-dir", str(data_dir), "--port", str(port),
        ]
        environment = {**os.environ, "COLUMNS": "500", "NO_COLOR": "1"}
        demo = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        eventually("the demo serves on", lambda: _serves_on(demo, said), _REPLAY_S)
        live = Server(data_dir, port)
        counted(live)
        yield live
        live.close()
    finally:
        demo.send_signal(signal.SIGINT)
        assert demo.wait(120) == 0, said.read_text()[-2_000:]


def counted(shop: Server) -> dict[str, Any]:
    """What was ever counted, once all of it is. Who counts starts after everybody else, and again after a kill."""
    def is_counted() -> bool:
        answer = shop.client.get("/v1/live")
        return answer.status_code == 200 and bool(answer.json()["caught_up"])

    eventually("everything is counted", is_counted)
    told: dict[str, Any] = shop.get("/v1/funnel", window="all")
    return told


def _serves_on(demo: subprocess.Popen[bytes], said: Path) -> bool:
    assert demo.poll() is None, said.read_text()[-2_000:]
    return "serving on" in said.read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each module: while it is there, Playwright's event loop occupies the thread in which all tests run."""
    with chromium() as one:
        yield one


@pytest.fixture
def opens(browser: Browser, shop: Server) -> Iterator[Opens]:
    """``opens(scopes=..., width=..., scheme=...)``: a page of a viewer with these scopes (all of them unless named),
    signed in by a link, and what is watched of it. In the end: no error on any page, no request to another host."""
    with ExitStack() as stack:
        def begin(*scopes: str, **more: Any) -> tuple[Page, Watch]:
            key = key_with(shop, *scopes) if scopes else shop.key
            entered: AbstractContextManager[tuple[Page, Watch]] = viewer(browser, shop.url, key, **more)
            return stack.enter_context(entered)

        yield begin


def key_with(shop: Server, *scopes: str) -> str:
    """A new key with these scopes."""
    return named_key(shop, *scopes)[1]


def named_key(shop: Server, *scopes: str) -> tuple[str, str]:
    """Name and text of a new key."""
    name = f"viewer-{os.urandom(4).hex()}"
    asked = [part for scope in scopes for part in ("--scope", scope)]
    command = [*kairos(), "key", "create", "--json", "--name", name, *asked, "--data-dir", str(shop.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return name, json.loads(done.stdout)["key"]
