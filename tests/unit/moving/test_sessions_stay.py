"""Who has the console open stays where it is: no backup and no move takes a link, a session or a key along."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.postgres import PostgresServer
from support.stores import installed

from actors.sessions import SESSION, Vault
from actors.stores.interface import Store
from actors.stores.postgresql import PostgresqlStore
from actors.stores.sqlite import SqliteStore
from cluster.moving.backing_up import back_up, restore
from cluster.moving.backup_place import BackupPlace
from cluster.moving.migrating import migrate
from cluster.moving.postgresql_place import PostgresqlPlace
from cluster.moving.sqlite_place import SqlitePlace
from models import limits

NOW_S = 1_796_000_000.0
END_MS = int(NOW_S * 1_000) + limits.CONSOLE_SESSION_MS
CONTENT = b"kairos_the-key-of-somebody"


def vault(store: Store) -> Vault:
    return Vault(store.sessions(), store.secret(), lambda: NOW_S)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Where somebody has the console open."""
    installed(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def cookie(data_dir: Path) -> str:
    store = SqliteStore(data_dir)
    made = vault(store).put(SESSION, "ops", CONTENT, END_MS)
    assert vault(store).get(SESSION, made) == CONTENT
    return made


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    made = postgres.fresh_database()
    yield made
    postgres.drop(made)


def backed_up(place: SqlitePlace | PostgresqlPlace, folder: Path) -> list[str]:
    try:
        back_up(place, folder, 0)
    finally:
        place.close()
    return sorted(path.name for path in folder.iterdir())


def test_a_backup_has_none_and_what_is_restored_knows_nobody(data_dir: Path, cookie: str, tmp_path: Path) -> None:
    assert not [name for name in backed_up(SqlitePlace(data_dir), tmp_path / "backup") if "console" in name]
    new = tmp_path / "new"
    new.mkdir()
    shutil.copy(data_dir / "master.key", new)
    target = SqlitePlace(new)
    restore(BackupPlace(tmp_path / "backup"), target, new, {})
    target.close()
    assert SqliteStore(new).secret() == SqliteStore(data_dir).secret()
    assert vault(SqliteStore(new)).get(SESSION, cookie) is None
    assert vault(SqliteStore(data_dir)).get(SESSION, cookie) == CONTENT


def test_a_move_to_postgresql_signs_everybody_out(data_dir: Path, cookie: str, url: str) -> None:
    migrate(data_dir, url)
    store = PostgresqlStore(url, data_dir)
    assert vault(store).get(SESSION, cookie) is None
    there = vault(store).put(SESSION, "ops", CONTENT, END_MS)
    assert vault(store).get(SESSION, there) == CONTENT
    store.close()


def test_a_backup_of_postgresql_has_none(data_dir: Path, url: str, tmp_path: Path) -> None:
    migrate(data_dir, url)
    store = PostgresqlStore(url, data_dir)
    vault(store).put(SESSION, "ops", CONTENT, END_MS)
    store.close()
    assert not [name for name in backed_up(PostgresqlPlace(url, data_dir), tmp_path / "backup") if "console" in name]
