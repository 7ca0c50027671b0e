"""Units that were held by whoever does not come back are free again after a restore."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.in_process import InProcess
from unit.moving.lived import CUSTOMERS, START_MS, Living, audited, embedded
from unit.moving.rebuilding import resharded, stopped_installation

from cluster.moving.backing_up import back_up, restore
from cluster.moving.backup_place import BackupPlace
from cluster.moving.erasures import read_erasures
from cluster.moving.sqlite_place import SqlitePlace


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return stopped_installation(tmp_path_factory.mktemp("lived") / "data")


async def erased(data_dir: Path, monkeypatch: pytest.MonkeyPatch, shards: int, *customers: str) -> list[Any]:
    """The budgets after these (of every tenant) were erased, and after a restart."""
    for gone in (customers, ()):
        kairos = InProcess(data_dir, START_MS, monkeypatch, shards)
        await kairos.start()
        living = Living(kairos)
        await living.ready()
        for customer in gone:
            for tenant in ("main", "acme"):
                assert (await living.ask(tenant, "DELETE", f"/v1/customers/{customer}")).status_code == 200
        for shard in kairos.shards:
            await shard.poke()
        budgets = await living.budgets()
        for shard in kairos.shards:
            await shard.drain()
        await kairos.stop()
    return budgets


def _restored(folder: Path, place: Path, newer: Path) -> None:
    target = SqlitePlace(place)
    restore(BackupPlace(folder), target, place, read_erasures(str(newer), place))
    target.close()


@pytest.mark.parametrize("is_truncated", [False, True])
def test_a_restore_frees_what_they_held_as_their_erasure_did(
    lived: Any, data_dir: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_truncated: bool
) -> None:
    before, shards = lived[2], 2
    if is_truncated:  # everything is in the base
        resharded(data_dir, SqlitePlace(new), 3)
        shutil.copytree(new, tmp_path / "base")
        data_dir, new, shards = tmp_path / "base", tmp_path / "again", 3
        new.mkdir()
        shutil.copy(data_dir / "master.key", new)
    source = SqlitePlace(data_dir)
    back_up(source, tmp_path / "backup", START_MS)
    source.close()
    freed = asyncio.run(erased(data_dir, monkeypatch, shards, *CUSTOMERS))
    assert sum(held for *_, held in before) > sum(held for *_, held in freed) == 0
    _restored(tmp_path / "backup", new, data_dir)
    assert asyncio.run(erased(new, monkeypatch, shards)) == freed
    found = audited(embedded(new))
    assert found.decisions == found.same
