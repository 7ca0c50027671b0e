"""One real installation for the whole session: real Ray, real Serve, real HAProxy, started by the real command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.server import Server, eventually, kairos, start

START = "2026-03-02T15:00:00Z"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The shared installation: manual clock, packaged catalog, two shards."""
    live = start(tmp_path_factory.mktemp("kairos") / "data", "--clock", f"manual:{START}")
    yield live
    live.close()
    done = subprocess.run([*kairos(), "down", "--data-dir", str(live.data_dir)], check=False, timeout=120)
    assert done.returncode == 0, "the shared installation did not drain"


@pytest.fixture(autouse=True)
def installed_with_this_interpreter() -> None:
    assert Path(sys.executable).with_name("kairos").exists(), "install first: make test does"


@pytest.fixture(autouse=True)
def settled(request: pytest.FixtureRequest) -> None:
    """What an earlier test killed is back before the next one begins."""
    if "server" in request.fixturenames:
        live: Server = request.getfixturevalue("server")
        eventually("the installation is ready", lambda: live.client.get("/readyz").status_code == 200)


@pytest.fixture
def starting() -> Iterator[Callable[..., Server]]:
    """Starts installations of a test's own, and stops whatever of them still runs."""
    started: list[Server] = []

    def begin(data_dir: Path, *arguments: str) -> Server:
        started.append(start(data_dir, *arguments))
        return started[-1]

    yield begin
    for one in started:
        one.close()
        subprocess.run([*kairos(), "down", "--data-dir", str(one.data_dir)], check=False, timeout=120)
