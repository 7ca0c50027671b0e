"""An installation on PostgreSQL is rebuilt: held while it is read, fenced when it is left, refused while it lives."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.in_process import InProcess
from support.postgres import PostgresServer
from unit.moving.lived import START_MS, Living, audited
from unit.moving.rebuilding import stopped_installation, visited

from actors import naming
from actors.postgresql.journal import open_journal
from actors.stores.postgresql import PostgresqlStore
from cluster.moving.migrating import migrate
from cluster.moving.postgresql_place import PostgresqlPlace
from cluster.moving.resharding import reshard
from cluster.moving.sqlite_place import SqlitePlace
from models.errors import BadInput, Fenced, KairosError, StoreAway, Superseded


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return stopped_installation(tmp_path_factory.mktemp("lived") / "data")


@pytest.fixture
def url(data_dir: Path, postgres: PostgresServer) -> str:
    """Where all of it lies now."""
    url = postgres.fresh_database()
    migrate(data_dir, url)
    return url


def _rebuilt(url: str, data_dir: Path, target: SqlitePlace | PostgresqlPlace, shards: int) -> None:
    source = PostgresqlPlace(url, data_dir)
    try:
        source.hold()
        reshard(source, target, shards, PostgresqlStore(url, data_dir).master)
    finally:
        source.close()
        target.close()


def test_it_is_rebuilt_in_another_database_and_stays_as_an_archive(
    lived: Any, data_dir: Path, url: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, before = postgres.fresh_database(), audited(PostgresqlStore(url, data_dir))
    _rebuilt(url, data_dir, PostgresqlPlace(other, data_dir), 5)
    assert asyncio.run(visited(data_dir, monkeypatch, other, 5, goes_on=True)) == lived[1:]
    assert audited(PostgresqlStore(url, data_dir)) == before
    with pytest.raises(BadInput, match="rebuilt elsewhere"):
        PostgresqlStore(url, data_dir).install(None, 1_024)
    with pytest.raises(BadInput, match="moved already"):
        _rebuilt(url, data_dir, PostgresqlPlace(postgres.fresh_database(), data_dir), 3)
    _rebuilt(url, data_dir, PostgresqlPlace(other, data_dir), 5)  # nothing is left to do


def test_it_is_rebuilt_in_files(
    lived: Any, data_dir: Path, new: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _rebuilt(url, data_dir, SqlitePlace(new), 3)
    assert asyncio.run(visited(new, monkeypatch, "sqlite", 3, goes_on=True)) == lived[1:]


def test_a_live_one_is_refused_and_goes_on(
    data_dir: Path, url: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def live() -> None:
        kairos = InProcess(data_dir, START_MS, monkeypatch, store=url)
        await kairos.start()
        living = Living(kairos)
        await living.ready()
        with pytest.raises(KairosError, match="kairos shard-0"):
            await asyncio.to_thread(_rebuilt, url, data_dir, PostgresqlPlace(postgres.fresh_database(), data_dir), 3)
        await living.live("main", 5)
        await kairos.stop()

    asyncio.run(live())


def test_whoever_meant_to_serve_from_it_waits_and_is_then_fenced(
    data_dir: Path, url: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = naming.shard_owner(0)
    zombie = open_journal(url, owner)
    zombie.take_over("who is not noticed", zombie.incarnation())
    source = PostgresqlPlace(url, data_dir)
    monkeypatch.setattr(source, "_refuse_live", lambda: None)  # as when its sessions cannot be seen
    source.hold()
    second = PostgresqlPlace(url, data_dir)
    monkeypatch.setattr(second, "_refuse_live", lambda: None)
    with pytest.raises(StoreAway):
        second.hold()
    second.close()
    source.mark_moved("elsewhere")
    with pytest.raises(Fenced):
        zombie.append(b"0123456789abcdef", b"late", 1)
    with pytest.raises(Superseded):
        zombie.take_over("a newcomer", zombie.epoch + 1)
    zombie.close()
    assert source.moved_to() == "elsewhere"
    source.close()
