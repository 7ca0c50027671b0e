"""A backup is whole or none, comes back in either store, and brings nobody back who was erased since."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.in_process import InProcess
from support.postgres import PostgresServer
from unit.moving.lived import CUSTOMERS, START_MS, Living, audited, embedded, lived_in, reads_of, refuse_somebody

from actors.stores.interface import Store
from actors.stores.postgresql import PostgresqlStore
from cluster.moving.backing_up import back_up, restore
from cluster.moving.backup_place import MANIFEST, BackupPlace
from cluster.moving.erasures import read_erasures
from cluster.moving.migrating import migrate
from cluster.moving.postgresql_place import PostgresqlPlace
from cluster.moving.sqlite_place import SqlitePlace
from cluster.moving.tables import DESTROYED, Table
from models import ids
from models.errors import BadInput, KairosError, MasterKeyFailed

_KILLED = """
import os, signal, sys
from pathlib import Path
from models import limits
limits.MOVE_PAGE_ROWS = 5
from cluster.moving.backing_up import back_up, restore
from cluster.moving.backup_place import BackupPlace
from cluster.moving.sqlite_place import SqlitePlace
what, here, there, left = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), [int(sys.argv[4])]
def die(*_):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
if what == "back_up":
    back_up(SqlitePlace(here), there, 0, die)
else:
    restore(BackupPlace(here), SqlitePlace(there), there, {}, die)
"""


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A data directory, and what could be read of it."""
    data_dir = tmp_path_factory.mktemp("lived") / "data"
    with pytest.MonkeyPatch.context() as monkeypatch:
        seen, _ = asyncio.run(lived_in(data_dir, monkeypatch))
    refuse_somebody(embedded(data_dir))
    return data_dir, seen


@pytest.fixture(scope="module")
def backup(lived: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backup") / "one"
    _backed_up(SqlitePlace(lived[0]), folder)
    return folder


def _backed_up(place: SqlitePlace | PostgresqlPlace, folder: Path) -> None:
    try:
        back_up(place, folder, START_MS)
    finally:
        place.close()


def _restored(folder: Path, target: SqlitePlace | PostgresqlPlace, data_dir: Path, erasures: Any = None) -> None:
    try:
        restore(BackupPlace(folder), target, data_dir, erasures or {})
    finally:
        target.close()


@pytest.fixture
def empty(lived: Any, tmp_path: Path) -> Path:
    """A data directory with nothing but the master key."""
    place = tmp_path / "restored"
    place.mkdir()
    shutil.copy(lived[0] / "master.key", place)
    return place


def _same(store: Store, other: Store) -> None:
    found, expected = audited(store), audited(other)
    assert found.same == found.decisions == expected.decisions > 30
    assert found.erased == expected.erased > 0
    assert sorted(record.name for record in store.access().records()) == sorted(
        record.name for record in other.access().records()
    )
    assert list(store.denials().entries("gateway-1")) == list(other.denials().entries("gateway-1"))


def test_an_embedded_backup_comes_back_whole(
    lived: Any, backup: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _restored(backup, SqlitePlace(empty), empty)
    _same(embedded(empty), embedded(lived[0]))
    assert asyncio.run(reads_of(empty, monkeypatch, "sqlite")) == lived[1]


def test_a_backup_of_postgresql_is_one_moment_and_comes_back_in_another_database(
    lived: Any, empty: Path, tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = Path(shutil.copytree(lived[0], tmp_path / "data"))
    url, other = postgres.fresh_database(), postgres.fresh_database()
    migrate(data_dir, url)
    snapshot = PostgresqlPlace(url, data_dir, snapshot=True)
    assert snapshot.head() is not None
    seen = asyncio.run(reads_of(data_dir, monkeypatch, url))  # which writes more, beside the snapshot
    _backed_up(snapshot, tmp_path / "backup")
    _restored(tmp_path / "backup", PostgresqlPlace(other, empty), empty)
    _same(PostgresqlStore(other, empty), embedded(lived[0]))
    assert asyncio.run(reads_of(empty, monkeypatch, other)) == seen == lived[1]


def test_a_damaged_an_incomplete_and_an_unfinished_backup_are_refused(backup: Path, tmp_path: Path) -> None:
    names = sorted(path.name for path in backup.iterdir())
    assert {"shard-0.log.rows", "shard-1.key.rows", "coordinator.log.rows", "erasures.jsonl", MANIFEST} <= set(names)
    for name in names:
        copy = Path(shutil.copytree(backup, tmp_path / f"damaged {name}"))
        content = bytearray((copy / name).read_bytes())
        content[len(content) // 2] ^= 1
        (copy / name).write_bytes(content)
        with pytest.raises(KairosError, match="damaged"):
            BackupPlace(copy)
        (copy / name).unlink()
        with pytest.raises(KairosError, match=r"missing|there is no"):
            BackupPlace(copy)


def test_a_backup_that_was_killed_is_none_and_a_restore_that_was_killed_goes_on(
    lived: Any, backup: Path, empty: Path, tmp_path: Path
) -> None:
    data_dir = Path(shutil.copytree(lived[0], tmp_path / "data"))
    done = _killed("back_up", data_dir, tmp_path / "half", 7)
    assert done == -signal.SIGKILL
    with pytest.raises(BadInput, match="not finished"):
        BackupPlace(tmp_path / "half")
    for pages in (1, 4, 12):
        assert _killed("restore", backup, empty, pages) == -signal.SIGKILL
        with pytest.raises(BadInput, match="not whole yet"):
            embedded(empty).install(None, 1_024)
    assert _killed("restore", backup, empty, 1_000) == 0
    _same(embedded(empty), embedded(lived[0]))


def _killed(what: str, here: Path, there: Path, pages: int) -> int:
    command = [sys.executable, "-c", _KILLED, what, str(here), str(there), str(pages)]
    return subprocess.run(command, check=False, timeout=60).returncode


def test_a_restore_into_what_is_not_empty_or_without_the_master_key_is_refused(
    lived: Any, backup: Path, tmp_path: Path, postgres: PostgresServer
) -> None:
    data_dir = Path(shutil.copytree(lived[0], tmp_path / "data"))
    with pytest.raises(BadInput, match="holds this installation already"):
        _restored(backup, SqlitePlace(data_dir), data_dir)
    (data_dir / "installation.json").unlink()
    with pytest.raises(BadInput, match="not empty"):
        _restored(backup, SqlitePlace(data_dir), data_dir)
    bare = tmp_path / "bare"
    with pytest.raises(MasterKeyFailed):
        _restored(backup, SqlitePlace(bare), bare)
    assert not bare.exists()


def test_whoever_was_erased_since_stays_erased(
    lived: Any, backup: Path, empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = Path(shutil.copytree(lived[0], tmp_path / "newer"))
    gone = CUSTOMERS[5]
    asyncio.run(_erase(newer, gone, monkeypatch))
    _backed_up(SqlitePlace(newer), tmp_path / "newer backup")
    lists = [str(newer), str(tmp_path / "newer backup"), str(tmp_path / "newer backup" / "erasures.jsonl")]
    found = [read_erasures(named, empty) for named in lists]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == len(read_erasures(str(backup), empty)) + 1

    _restored(backup, SqlitePlace(empty), empty, found[0])
    seen = asyncio.run(reads_of(empty, monkeypatch, "sqlite"))
    expected = dict(lived[1])
    for path in (f"main /v1/customers/{gone}", f"main /v1/customers/{gone}/timeline"):
        assert expected[path][0] == 200
        expected[path] = 404, {}
    assert seen == expected
    assert audited(embedded(empty)).erased > audited(embedded(lived[0])).erased


async def _erase(data_dir: Path, customer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kairos = InProcess(data_dir, START_MS, monkeypatch)
    await kairos.start()
    living = Living(kairos)
    await living.ready()
    assert (await living.ask("main", "DELETE", f"/v1/customers/{customer}")).status_code == 200
    await kairos.stop()


def test_a_restore_that_is_killed_while_it_puts_down_who_was_erased_puts_down_the_rest(
    lived: Any, backup: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = {ids.customer_key(embedded(lived[0]).secret(), "main", who): (1, START_MS) for who in CUSTOMERS[:8]}
    assert len({ids.shard_of(customer, 2) for customer in gone}) == 2
    write = SqlitePlace.write

    def killed(place: SqlitePlace, owner: str, table: Table, rows: Any) -> None:
        write(place, owner, table, rows)
        if table is DESTROYED and any(row[0] in gone for row in rows):
            raise InterruptedError

    monkeypatch.setattr(SqlitePlace, "write", killed)
    with pytest.raises(InterruptedError):
        _restored(backup, SqlitePlace(empty), empty, gone)
    monkeypatch.undo()
    _restored(backup, SqlitePlace(empty), empty, gone)
    assert gone.items() <= read_erasures(str(empty), empty).items()


def test_a_list_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(json.dumps({"customer": "zz"}))
    with pytest.raises(BadInput, match="no list of erasures"):
        read_erasures(str(tmp_path / "list"), tmp_path)
    with pytest.raises(BadInput, match="name a newer backup"):
        read_erasures(str(tmp_path / "nothing"), tmp_path)
