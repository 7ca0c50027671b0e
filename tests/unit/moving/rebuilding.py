"""What tests of rebuilding share: an installation that was stopped in good order, and another number of shards."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.in_process import InProcess
from unit.moving.lived import START_MS, Living, embedded, lived_in

from cluster.moving.postgresql_place import PostgresqlPlace
from cluster.moving.resharding import reshard
from cluster.moving.sqlite_place import SqlitePlace


def stopped_installation(data_dir: Path) -> tuple[Path, dict[str, Any], list[Any]]:
    """Its data directory, its profiles and its budgets."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        asyncio.run(lived_in(data_dir, monkeypatch))
        seen, budgets = asyncio.run(visited(data_dir, monkeypatch, "sqlite", 2, goes_on=False))
    return data_dir, seen, budgets


async def visited(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, store: str, shards: int, *, goes_on: bool
) -> tuple[dict[str, Any], list[Any]]:
    """What can be read of the profiles and the budgets; then everybody goes on, and it is stopped in good order."""
    kairos = InProcess(data_dir, START_MS, monkeypatch, shards, store=store)
    await kairos.start()
    living = Living(kairos)
    await living.ready()
    seen = {what: read for what, read in (await living.seen()).items() if "timeline" not in what}
    budgets = await living.budgets()
    if goes_on:
        await living.live("main", 9)
    for shard in kairos.shards:
        await shard.drain()
    await kairos.stop()
    return seen, budgets


def new_place(old: Path, place: Path) -> Path:
    """A data directory with nothing but the master key."""
    place.mkdir()
    shutil.copy(old / "master.key", place)
    return place


def resharded(data_dir: Path, target: SqlitePlace | PostgresqlPlace, shards: int) -> dict[str, int]:
    """Rows by table, out of an embedded installation; both places are closed."""
    source = SqlitePlace(data_dir)
    try:
        return reshard(source, target, shards, embedded(data_dir).master)
    finally:
        source.close()
        target.close()
