"""An embedded installation moves to PostgreSQL whole, however often the move is killed."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.postgres import PostgresServer
from unit.moving.lived import audited, embedded, lived_in, reads_of, refuse_somebody

from actors.stores.postgresql import PostgresqlStore
from cluster.moving.copying import verify
from cluster.moving.migrating import migrate
from cluster.moving.postgresql_place import PostgresqlPlace
from cluster.moving.sqlite_place import SqlitePlace
from cluster.runfile import RunFile, this_process
from cluster.store_of import install, store_of
from models.errors import BadInput, KairosError

#: Moves with pages of a few rows, and kills itself like a power cut once it has written so many.
_KILLED = """
import os, signal, sys
from pathlib import Path
from models import limits
limits.MOVE_PAGE_ROWS = 3
from cluster.moving.migrating import migrate
left = [int(sys.argv[3])]
def die(*_):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
migrate(Path(sys.argv[1]), sys.argv[2], die)
"""


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A data directory, and what could be read of it."""
    data_dir = tmp_path_factory.mktemp("lived") / "data"
    with pytest.MonkeyPatch.context() as monkeypatch:
        seen, _ = asyncio.run(lived_in(data_dir, monkeypatch))
    refuse_somebody(embedded(data_dir))
    return data_dir, seen


def test_everything_arrives_and_goes_on(
    lived: Any, data_dir: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.fresh_database()
    before = audited(embedded(data_dir))
    rows = migrate(data_dir, url)
    assert rows["log"] > 50
    assert min(rows[name] for name in ("key", "destroyed", "wrapping_key", "profile", "idem", "touched")) > 0
    store = PostgresqlStore(url, data_dir)
    after = audited(store)
    assert (after.decisions, after.same, after.erased) == (before.decisions, before.decisions, before.erased)
    assert [record.name for record in store.access().records()] == [
        record.name for record in embedded(data_dir).access().records()
    ]
    assert list(store.denials().entries("gateway-1")) == list(embedded(data_dir).denials().entries("gateway-1"))
    assert asyncio.run(reads_of(data_dir, monkeypatch, url)) == lived[1]


def test_a_move_that_is_killed_again_and_again_ends_whole(data_dir: Path, postgres: PostgresServer) -> None:
    url = postgres.fresh_database()
    killed = 0
    for pages in (1, 2, 5, 9, 14, 23, 400):
        done = subprocess.run([sys.executable, "-c", _KILLED, str(data_dir), url, str(pages)], check=False, timeout=60)
        killed += done.returncode == -signal.SIGKILL
        if done.returncode == 0:
            break
        with pytest.raises(BadInput, match="not whole yet"):
            PostgresqlStore(url, data_dir).install(None, 1_024)
    assert killed >= 4
    assert done.returncode == 0
    source, target = SqlitePlace(data_dir), PostgresqlPlace(url, data_dir)
    verify(source, target)
    source.close()
    target.close()


def test_the_old_place_says_where_the_installation_went(
    data_dir: Path, postgres: PostgresServer, settings: Any
) -> None:
    url = postgres.fresh_database()
    migrate(data_dir, url)
    place = PostgresqlStore(url, data_dir).place
    with pytest.raises(BadInput, match=place):
        embedded(data_dir).install(None, 1_024)
    with pytest.raises(BadInput, match=place):
        install(settings(data_dir=data_dir, store="sqlite"))
    assert store_of(settings(data_dir=data_dir)).place == place
    with pytest.raises(BadInput, match="moved already"):
        migrate(data_dir, url)


def test_at_no_moment_can_both_places_be_started(
    data_dir: Path, postgres: PostgresServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever starts the old one after a power cut shall not find later that the new one is another."""
    url = postgres.fresh_database()
    finish = PostgresqlPlace.finish

    def cut(*_: Any) -> None:
        raise InterruptedError

    def finish_and_cut(place: PostgresqlPlace, head: Any) -> None:
        finish(place, head)
        raise InterruptedError

    for step in (cut, finish_and_cut):
        monkeypatch.setattr(PostgresqlPlace, "finish", step)
        with pytest.raises(InterruptedError):
            migrate(data_dir, url)
        with pytest.raises(BadInput):
            install(settings(data_dir=data_dir, store="sqlite"))
        with pytest.raises(BadInput, match="was moved to"):
            embedded(data_dir).install(None, 1_024)
        if step is cut:
            with pytest.raises(BadInput, match="not whole yet"):
                PostgresqlStore(url, data_dir).install(None, 1_024)
    assert PostgresqlStore(url, data_dir).install(None, 1_024).shards == 2


def test_a_restored_copy_is_not_taken_for_what_was_moved(data_dir: Path, postgres: PostgresServer) -> None:
    url = postgres.fresh_database()
    migrate(data_dir, url)
    (data_dir / "moved.json").unlink()
    with pytest.raises(BadInput, match="holds this installation already"):
        migrate(data_dir, url)


def test_a_target_with_anything_else_in_it_is_refused(data_dir: Path, postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.fresh_database()
    PostgresqlStore(url, tmp_path / "other").install(4, 1_024)
    with pytest.raises(BadInput, match="another installation"):
        migrate(data_dir, url)
    assert embedded(data_dir).install(None, 1_024).shards == 2


def test_a_row_that_changed_on_the_way_is_found(data_dir: Path, postgres: PostgresServer) -> None:
    url = postgres.fresh_database()

    def spoil(owner: str, table: str, _: int) -> None:
        if (owner, table) == ("shard-1", "touched"):
            place = PostgresqlPlace(url, data_dir)
            place._connection.execute("UPDATE shard_log SET at_ms = at_ms + 1 WHERE owner = 1 AND seq = 2")
            place.close()

    with pytest.raises(KairosError, match="shard-0's log"):
        migrate(data_dir, url, spoil)
    assert embedded(data_dir).install(None, 1_024).shards == 2


def test_a_live_installation_is_refused_with_how_to_stop_it(data_dir: Path, postgres: PostgresServer) -> None:
    RunFile(this_process(), "http://127.0.0.1:1").write(data_dir)
    with pytest.raises(KairosError, match="kairos down"):
        migrate(data_dir, postgres.fresh_database())
