"""One suite for every keyring: a SQLite file's, and (where there is a server) a PostgreSQL database's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from actors.journal.keyring import Keyring
from actors.journal.sqlite_keys import SqliteKeyTable
from actors.naming import shard_owner
from actors.stores.master_key import MasterKeyPlace

OWNER = shard_owner(0)


@dataclass(frozen=True)
class Place:
    """Where one keyring lies: opened, closed and opened again."""

    open: Callable[[], Keyring]
    #: Everything that the store holds now, as bytes.
    content: Callable[[], bytes]
    master: MasterKeyPlace


@pytest.fixture
def master(tmp_path: Path) -> MasterKeyPlace:
    made = MasterKeyPlace(tmp_path, {})
    made.make()
    return made


def sqlite(folder: Path, master: MasterKeyPlace) -> Place:
    def content() -> bytes:
        return b"".join(path.read_bytes() for path in folder.iterdir())

    return Place(lambda: Keyring(SqliteKeyTable(folder), OWNER, master), content, master)


@pytest.fixture(params=["sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path, master: MasterKeyPlace) -> Place:
    return sqlite(tmp_path / "keys", master)
