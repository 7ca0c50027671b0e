"""What was counted moves with an installation, and what happens in its new place is counted on, once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.in_process import InProcess
from support.postgres import PostgresServer
from unit.moving.lived import CUSTOMERS, START_MS, Living, embedded
from unit.moving.rebuilding import resharded, stopped_installation

from actors.insight_actor import Insight
from actors.naming import INSIGHT_OWNER
from cluster.moving.backing_up import back_up, restore
from cluster.moving.backup_place import BackupPlace
from cluster.moving.migrating import migrate
from cluster.moving.sqlite_place import SqlitePlace
from models.canonical import pack, unpack
from models.errors import NotServing


async def counted(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, store: str = "sqlite", shards: int = 2, *, goes_on: bool = False
) -> dict[str, Any]:
    """The funnel once all is read; Insight is ended in good order."""
    kairos = InProcess(data_dir, START_MS, monkeypatch, shards, store=store)
    await kairos.start()
    insight = Insight({"store": store, "data_dir": str(data_dir), "shards": shards}, call=kairos.shard)
    if goes_on:
        await Living(kairos).ready()
        await Living(kairos).live("main", 9)
    while not await _is_caught_up(insight, kairos):  # noqa: ASYNC110
        await asyncio.sleep(0)
    _, body = unpack(await insight.funnel(pack({"window": "all"})))
    assert unpack(await insight.drain()) == {"drained": True}
    for shard in kairos.shards:
        await shard.drain()
    await kairos.stop()
    return {name: value for name, value in body.items() if name != "fresh_ms"}


async def _is_caught_up(insight: Insight, kairos: InProcess) -> bool:
    try:
        live = unpack(await insight.live())
    except NotServing:
        return False
    return live["caught_up"] and all(one["seq"] >= kairos.shards[one["shard"]]._seq for one in live["shards"])


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A data directory, and what was counted in it."""
    data_dir, *_ = stopped_installation(tmp_path_factory.mktemp("lived") / "data")
    with pytest.MonkeyPatch.context() as monkeypatch:
        body = asyncio.run(counted(data_dir, monkeypatch))
    assert body["decisions"] > 2 * len(CUSTOMERS)
    return data_dir, body


def _is_counted_on(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert after["decisions"] == before["decisions"] + len(CUSTOMERS)
    assert sum(one["accepted"] for one in after["actions"]) > sum(one["accepted"] for one in before["actions"])


def test_to_postgresql(
    lived: Any, data_dir: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.fresh_database()
    migrate(data_dir, url)
    assert asyncio.run(counted(data_dir, monkeypatch, url)) == lived[1]
    _is_counted_on(lived[1], asyncio.run(counted(data_dir, monkeypatch, url, goes_on=True)))


def test_into_a_backup_and_back(
    lived: Any, data_dir: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = SqlitePlace(data_dir), SqlitePlace(new)
    assert source.owners()[-1] == INSIGHT_OWNER
    back_up(source, tmp_path / "backup", 0)
    source.close()
    restore(BackupPlace(tmp_path / "backup"), target, new, {})
    target.close()
    assert asyncio.run(counted(new, monkeypatch)) == lived[1]
    _is_counted_on(lived[1], asyncio.run(counted(new, monkeypatch, goes_on=True)))


@pytest.mark.parametrize("shards", [2, 5])
def test_to_another_number_of_shards(
    lived: Any, data_dir: Path, new: Path, monkeypatch: pytest.MonkeyPatch, shards: int
) -> None:
    resharded(data_dir, SqlitePlace(new), shards)
    assert asyncio.run(counted(new, monkeypatch, shards=shards))["actions"] == lived[1]["actions"]
    _is_counted_on(lived[1], asyncio.run(counted(new, monkeypatch, shards=shards, goes_on=True)))
    assert embedded(new).has_journal(INSIGHT_OWNER)
