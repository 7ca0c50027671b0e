"""A PostgreSQL that goes away and comes back: who starts meanwhile waits, and what was installed stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.postgres import PostgresServer

from actors.stores.patience import patiently
from actors.stores.postgresql import PostgresqlStore
from models import limits
from models.errors import StoreAway


@pytest.fixture
def own(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A server that may be stopped; there is one where the session has one."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def test_whoever_starts_while_it_is_away_waits_for_it(own: PostgresServer, tmp_path: Path) -> None:
    url = own.fresh_database()
    store = PostgresqlStore(url, tmp_path)
    made = store.install(2, limits.SLOTS)
    secret = store.secret()
    own.kill()
    for call in (store.secret, store.read_installation, lambda: store.shard_store(0), lambda: store.keyring("shard-0")):
        with pytest.raises(StoreAway):
            call()
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            own.start()

    assert patiently(PostgresqlStore(url, tmp_path).secret, sleep) == secret
    assert len(waits) == 2
    assert store.install(None, limits.SLOTS) == made
