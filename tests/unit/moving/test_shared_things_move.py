"""Scorers with their champion, API keys and refusals go along, whichever way an installation goes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulation.catalog import catalog
from support.in_process import InProcess
from support.postgres import PostgresServer
from unit.moving.lived import START_MS, Living, embedded, refuse_somebody
from unit.moving.rebuilding import new_place, resharded, stopped_installation

from actors.scorer_registry import ScorerRegistry
from actors.stores.interface import Store
from actors.stores.postgresql import PostgresqlStore
from cluster.moving.backing_up import back_up, restore
from cluster.moving.backup_place import BackupPlace
from cluster.moving.migrating import migrate
from cluster.moving.postgresql_place import PostgresqlPlace
from cluster.moving.resharding import reshard
from cluster.moving.sqlite_place import SqlitePlace
from models.catalog.check import check_data
from models.scoring.labels import default_features
from models.scoring.rows import from_columns
from models.scoring.training import Trained, train


def trained(seed: int) -> Trained:
    """A small model over what the catalog offers."""
    names = tuple(name for name in default_features(check_data(catalog())) if name.startswith("profile."))
    draw = np.random.default_rng(seed)
    told = draw.normal(size=300)
    columns: dict[str, Any] = {
        "time_ms": np.arange(300), "action": ["gift"] * 300, "label": (told + draw.normal(size=300) > 0).astype(int),
    }
    return train(from_columns(columns | dict.fromkeys(names, told), names), created_ms=seed)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A data directory, its champion, and what ``told`` says of it."""
    data_dir, *_ = stopped_installation(tmp_path_factory.mktemp("lived") / "data")
    champion, other = trained(1), trained(2)
    for one in (champion, other):
        ScorerRegistry(data_dir).register(one.model, one.manifest)
    refuse_somebody(embedded(data_dir))
    with pytest.MonkeyPatch.context() as monkeypatch:
        return data_dir, champion, asyncio.run(_promoted(data_dir, monkeypatch, champion.manifest.version))


async def _promoted(data_dir: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> Any:
    kairos = InProcess(data_dir, START_MS, monkeypatch)
    await kairos.start()
    living = Living(kairos)
    await living.ready()
    answer = await living.ask("main", "POST", f"/v1/scorers/{version}:promote")
    assert answer.status_code in (200, 202), answer.text
    for shard in kairos.shards:
        await shard.poke()
    async with asyncio.timeout(30):
        while (await _scorer_of(living, 0)) != version:
            for shard in kairos.shards:
                await shard.poke()
    scorers = await _registered(living)
    for shard in kairos.shards:
        await shard.drain()
    await kairos.stop()
    return scorers


async def _registered(living: Living) -> Any:
    """Scorers and roles, without what shards have seen of them since they started."""
    answer = (await living.ask("main", "GET", "/v1/scorers")).json()
    own = [{name: value for name, value in one.items() if name != "monitor"} for one in answer.pop("scorers")]
    return {name: value for name, value in answer.items() if name not in ("evidence", "watched_by")} | {"scorers": own}


async def _scorer_of(living: Living, number: int) -> Any:
    asked = {"request_id": f"s-{number}-{len(living.kairos.shards)}", "customer_id": "hh-0", "channel": "web",
             "placements": [{"id": "hero"}], "dry_run": True}
    answer = await living.ask("main", "POST", "/v1/decisions", asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["scorer_version"]


def _same(lived: Any, store: Store, monkeypatch: pytest.MonkeyPatch, place: Path, url: str, shards: int) -> None:
    data_dir, champion, scorers = lived
    old = embedded(data_dir)
    kept = {record.digest: record for record in store.access().records()}
    assert kept == {record.digest: record for record in old.access().records()}
    assert list(store.denials().entries("gateway-1")) == list(old.denials().entries("gateway-1"))
    assert store.scorers().load(champion.manifest.version).manifest == champion.manifest

    async def served() -> None:
        kairos = InProcess(place, START_MS, monkeypatch, shards, store=url)
        await kairos.start()
        living = Living(kairos)
        await living.ready()
        assert await _registered(living) == scorers
        assert await _scorer_of(living, 1) == champion.manifest.version
        await kairos.stop()

    asyncio.run(served())


def test_by_a_move_to_postgresql_and_by_another_number_of_shards_there(
    lived: Any, data_dir: Path, new: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, other = postgres.fresh_database(), postgres.fresh_database()
    migrate(data_dir, url)
    source, target = PostgresqlPlace(url, data_dir), PostgresqlPlace(other, new)
    source.hold()
    reshard(source, target, 3, PostgresqlStore(url, data_dir).master)
    source.close()
    target.close()
    _same(lived, PostgresqlStore(other, new), monkeypatch, new, other, 3)


def test_by_a_backup_and_by_another_number_of_shards_in_files(
    lived: Any, data_dir: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = SqlitePlace(data_dir)
    back_up(source, tmp_path / "backup", START_MS)
    source.close()
    target = SqlitePlace(new)
    restore(BackupPlace(tmp_path / "backup"), target, new, {})
    target.close()
    more = new_place(new, tmp_path / "more")
    resharded(new, SqlitePlace(more), 3)
    _same(lived, embedded(more), monkeypatch, more, "sqlite", 3)
