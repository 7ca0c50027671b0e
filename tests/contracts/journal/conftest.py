"""One suite for every journal. A maker hands out owners of one and the same journal."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.postgres import PostgresServer

from actors.journal import schema
from actors.journal.interface import Journal
from actors.journal.sqlite import SqliteJournal
from actors.journal.sqlite_file import SqliteFile
from actors.naming import shard_owner
from actors.postgresql.connection import connect, place
from actors.postgresql.journal import PostgresqlJournal, open_journal
from actors.postgresql.schema import ensure_schema

#: Each call gives one more process-like owner over the same stored journal.
MakeOwner = Callable[[], Journal]
_shards = itertools.count()


@pytest.fixture(scope="session")
def database(postgres: PostgresServer) -> str:
    """With Kairos's tables; each test has an owner of its own there."""
    url = postgres.fresh_database()
    connection = connect(url, "tests")
    ensure_schema(connection, place(url))
    connection.close()
    return url


@pytest.fixture
def make_postgresql(database: str) -> Iterator[Callable[..., PostgresqlJournal]]:
    """Takes another address of the same database, or none."""
    opened: list[PostgresqlJournal] = []
    owner = shard_owner(next(_shards))

    def make(url: str = database) -> PostgresqlJournal:
        opened.append(open_journal(url, owner))
        return opened[-1]

    yield make
    for journal in opened:
        journal.close()


@pytest.fixture
def make_sqlite(tmp_path: Path) -> Iterator[Callable[[], SqliteJournal]]:
    file = SqliteFile(tmp_path / "journal.db", schema.JOURNAL)
    yield lambda: SqliteJournal(file)
    file.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def make_owner(request: pytest.FixtureRequest) -> MakeOwner:
    make: MakeOwner = request.getfixturevalue(f"make_{request.param}")
    return make


@pytest.fixture
def journal(make_owner: MakeOwner) -> Journal:
    journal = make_owner()
    journal.take_over("first")
    return journal
