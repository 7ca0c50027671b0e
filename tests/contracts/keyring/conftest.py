"""One suite for every keyring: a SQLite file's, and (where there is a server) a PostgreSQL database's."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.postgres import PostgresServer

from actors.journal.keyring import Keyring
from actors.journal.sqlite_keys import SqliteKeyTable
from actors.naming import shard_owner
from actors.postgresql.journal import open_journal
from actors.postgresql.keys import PostgresqlKeyTable
from actors.postgresql.owners import owner_number
from actors.stores.master_key import MasterKeyPlace
from actors.stores.postgresql import PostgresqlStore
from actors.stores.sqlite import SqliteStore
from models import limits

_shards = itertools.count()


@dataclass(frozen=True)
class Place:
    """Where one keyring lies: opened, closed and opened again."""

    owner: str
    open: Callable[[], Keyring]
    #: Make durable what may wait for the journal's next append.
    settle: Callable[[Keyring], None]
    #: Its wrapping keys by month.
    wrapping_keys: Callable[[], dict[int, bytes]]
    #: Wrap them anew with the newest master key.
    rewrap: Callable[[], int]
    #: Everything that the store keeps of keys, as bytes.
    content: Callable[[], bytes]
    master: MasterKeyPlace


@pytest.fixture
def sqlite(tmp_path: Path) -> Place:
    store, owner = SqliteStore(tmp_path), shard_owner(0)
    store.install(1, limits.SLOTS)
    folder = store.directory(owner)

    def wrapping_keys() -> dict[int, bytes]:
        table = SqliteKeyTable(folder)
        found = table.wrapping_keys()
        table.close()
        return found

    def content() -> bytes:
        return b"".join(path.read_bytes() for path in folder.iterdir())

    return Place(
        owner, lambda: store.keyring(owner), lambda _: None, wrapping_keys, store.rewrap, content, store.master,
    )


@pytest.fixture
def postgresql(postgres: PostgresServer, tmp_path: Path) -> Place:
    store, owner = PostgresqlStore(postgres.fresh_database(), tmp_path), shard_owner(next(_shards))
    store.install(1, limits.SLOTS)
    number = owner_number(owner)

    def opened() -> Keyring:
        journal = open_journal(store._url, owner)
        journal.take_over("test")
        return Keyring(PostgresqlKeyTable(journal, is_alone=True), owner, store.master)

    def settle(ring: Keyring) -> None:
        ring.table._journal.append(os.urandom(16), b"a turn")  # type: ignore[attr-defined]

    def wrapping_keys() -> dict[int, bytes]:
        return {month: wrapped for owned, month, wrapped in store._wrapping_keys() if owned == number}

    def content() -> bytes:
        with postgres.session(store._url) as session:
            rows = session.execute("SELECT customer || wrapped FROM kairos.customer_key").fetchall()
            rows += session.execute("SELECT wrapped FROM kairos.wrapping_key").fetchall()
        return b"".join(row[0] for row in rows)

    return Place(owner, opened, settle, wrapping_keys, store.rewrap, content, store.master)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> Place:
    made: Place = request.getfixturevalue(request.param)
    return made
