"""A rebuilding that is killed at any point leaves the old installation whole, and is done by saying it again."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.postgres import PostgresServer
from unit.moving.lived import audited, embedded
from unit.moving.rebuilding import new_place, resharded, stopped_installation, visited

from actors.stores.interface import MOVING
from actors.stores.postgresql import PostgresqlStore
from cluster.moving.migrating import migrate
from cluster.moving.postgresql_place import PostgresqlPlace
from cluster.moving.resharding import reshard
from cluster.moving.sqlite_place import SqlitePlace
from models.errors import BadInput

#: Kills itself like a power cut after so many steps: pages, then the mark, then the last word.
_KILLED = """
import os, signal, sys
from pathlib import Path
from models import limits
limits.MOVE_PAGE_ROWS = 3
from actors.stores.master_key import MasterKeyPlace
from cluster.moving.postgresql_place import PostgresqlPlace
from cluster.moving.resharding import reshard
from cluster.moving.sqlite_place import SqlitePlace
here, there, left = Path(sys.argv[1]), sys.argv[2], [int(sys.argv[3])]
def die(*_):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
class Mortal(SqlitePlace):
    def mark_moved(self, to):
        super().mark_moved(to)
        if left[0] > 0:
            os.kill(os.getpid(), signal.SIGKILL)
target = PostgresqlPlace(there, here) if there.startswith("postgresql") else SqlitePlace(Path(there))
reshard(Mortal(here), target, 3, MasterKeyPlace(here), die)
"""
#: More steps than there are: it dies once the old place is marked, and the new one not yet finished.
_AT_THE_MARK = 1_000


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return stopped_installation(tmp_path_factory.mktemp("lived") / "data")


def _killed(here: Path, there: str, steps: int) -> None:
    command = [sys.executable, "-c", _KILLED, str(here), there, str(steps)]
    done = subprocess.run(command, check=False, timeout=60, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_killed_again_and_again_it_ends_whole(
    lived: Any, data_dir: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = audited(embedded(data_dir))
    for steps in (1, 4, 11, 19):
        _killed(data_dir, str(new), steps)
        with pytest.raises(BadInput, match="not whole yet"):
            embedded(new).install(None, 1_024)
        assert embedded(data_dir).install(None, 1_024).shards == 2
    seen = asyncio.run(visited(data_dir, monkeypatch, "sqlite", 2, goes_on=True))
    assert seen == lived[1:], "the old one is not whole"
    went_on = asyncio.run(visited(data_dir, monkeypatch, "sqlite", 2, goes_on=False))
    _killed(data_dir, str(new), _AT_THE_MARK)
    for place in (data_dir, new):
        with pytest.raises(BadInput):
            embedded(place).install(None, 1_024)
    assert audited(embedded(data_dir)).same > before.same
    with pytest.raises(BadInput, match=str(new)):
        resharded(data_dir, SqlitePlace(new.with_name("elsewhere")), 3)
    assert resharded(data_dir, SqlitePlace(new), 3)["profile"] > 0
    assert resharded(data_dir, SqlitePlace(new), 3) == {}
    assert asyncio.run(visited(new, monkeypatch, "sqlite", 3, goes_on=False)) == went_on


def test_an_emptied_place_and_another_number_do_as_well(lived: Any, data_dir: Path, tmp_path: Path) -> None:
    half = new_place(lived[0], tmp_path / "half")
    _killed(data_dir, str(half), 9)
    assert resharded(data_dir, SqlitePlace(half), 5)["profile"] > 0
    assert embedded(half).install(None, 1_024).shards == 5


def test_a_killed_one_on_postgresql_begins_anew(
    lived: Any, data_dir: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.fresh_database()
    for steps in (2, 13, _AT_THE_MARK):
        _killed(data_dir, url, steps)
        with pytest.raises(BadInput, match="not whole yet"):
            PostgresqlStore(url, data_dir).install(None, 1_024)
    place = PostgresqlPlace(url, data_dir)
    head = place.head()
    assert head is not None
    assert head.format == MOVING
    resharded(data_dir, place, 3)
    assert asyncio.run(visited(data_dir, monkeypatch, url, 3, goes_on=True)) == lived[1:]


def test_what_fences_the_old_one_does_not_fence_the_new_one(
    lived: Any, data_dir: Path, tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the old one on PostgreSQL was left, it begins anew from an installation that is fenced."""
    url, new = postgres.fresh_database(), new_place(lived[0], tmp_path / "new")
    migrate(data_dir, url)
    finish = SqlitePlace.finish

    def cut(*_: Any) -> None:
        raise InterruptedError

    for step in (cut, finish):
        monkeypatch.setattr(SqlitePlace, "finish", step)
        source, target = PostgresqlPlace(url, data_dir), SqlitePlace(new)
        source.hold()
        try:
            reshard(source, target, 3, PostgresqlStore(url, data_dir).master)
        except InterruptedError:
            assert step is cut
        finally:
            source.close()
            target.close()
    journal = embedded(new).journal("coordinator")
    journal.take_over("the first to come")
    journal.close()
