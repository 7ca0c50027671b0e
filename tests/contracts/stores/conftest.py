"""One suite for every store: a folder with SQLite files, and (where there is a server) a PostgreSQL database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.postgres import PostgresServer

from actors.stores.interface import Store
from actors.stores.opening import open_store

#: Each call opens the same store as one more process would, from a data directory of its own when it is named.
OpenStore = Callable[..., Store]


@pytest.fixture
def sqlite(tmp_path: Path) -> OpenStore:
    return lambda node="one": open_store({"store": "sqlite", "data_dir": str(tmp_path / "one")})


@pytest.fixture
def postgresql(postgres: PostgresServer, tmp_path: Path) -> OpenStore:
    url = postgres.fresh_database()
    return lambda node="one": open_store({"store": url, "data_dir": str(tmp_path / node)})


@pytest.fixture(params=["sqlite", "postgresql"])
def open_(request: pytest.FixtureRequest) -> OpenStore:
    made: OpenStore = request.getfixturevalue(request.param)
    return made


def at_once(works: list[Callable[[], object]]) -> list[object]:
    """What each of them returns, all begun at the same moment."""
    gate, results = threading.Barrier(len(works)), list[object]()

    def one(work: Callable[[], object]) -> None:
        gate.wait()
        results.append(work())

    threads = [threading.Thread(target=one, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
