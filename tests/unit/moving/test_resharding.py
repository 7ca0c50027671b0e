"""Another number of shards: every customer is where its slot is, knows what it knew, and no sum has changed."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.in_process import InProcess
from support.postgres import PostgresServer
from unit.moving.lived import CUSTOMERS, START_MS, Living, audited, embedded
from unit.moving.rebuilding import resharded, stopped_installation, visited

from actors import naming
from actors.stores.interface import Store
from actors.stores.postgresql import PostgresqlStore
from cluster.moving.postgresql_place import PostgresqlPlace
from cluster.moving.sqlite_place import SqlitePlace
from cluster.moving.tables import KEY, PROFILE
from models import ids
from models.coordination.state import CoordinatorState, unpack_state
from models.errors import BadInput, KairosError
from models.turn.shard_state import ShardState


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return stopped_installation(tmp_path_factory.mktemp("lived") / "data")


def _sums(store: Store, shards: int) -> tuple[dict[Any, Any], dict[Any, Any], CoordinatorState]:
    """Per (budget, period): net granted, spent, held, unfunded; per (kind, id): accepts, contacts; the coordinator."""
    units: dict[Any, Counter[str]] = {}
    counts: dict[Any, Counter[str]] = {}
    for shard in range(shards):
        journal = store.journal(naming.shard_owner(shard))
        checkpoint = journal.checkpoint()
        journal.close()
        assert checkpoint is not None
        state = ShardState.unpack(shard, checkpoint.state)
        state.validate()
        for p in state.escrow.positions():
            own = {"net": p.granted - p.returned, "spent": p.spent, "held": p.held, "unfunded": p.unfunded}
            units.setdefault((p.budget, p.period), Counter()).update(own)
        for c in state.counts.changes_since(0):
            counts.setdefault((c.kind, c.id), Counter()).update(accepts=c.accepts, contacts=c.contacts)
    journal = store.journal(naming.COORDINATOR_OWNER)
    kept = journal.checkpoint()
    journal.close()
    return units, counts, unpack_state(kept.state) if kept is not None else CoordinatorState()


@pytest.mark.parametrize("shards", [1, 2, 7])
def test_everybody_is_at_the_owner_of_its_slot_and_goes_on(
    lived: Any, data_dir: Path, new: Path, monkeypatch: pytest.MonkeyPatch, shards: int
) -> None:
    rows = resharded(data_dir, SqlitePlace(new), shards)
    assert rows["profile"] >= 2 * len(CUSTOMERS) - 1
    place = SqlitePlace(new)
    for shard in range(shards):
        for table in (KEY, PROFILE):
            for page in place.pages(naming.shard_owner(shard), table):
                assert {ids.shard_of(row[0], shards) for row in page} <= {shard}
    place.close()
    before, after = _sums(embedded(data_dir), 2), _sums(embedded(new), shards)
    assert after[:2] == before[:2]
    assert any(sums["held"] for sums in before[0].values()), "nobody holds anything: the test shows nothing"
    for key, sums in after[0].items():
        assert after[2].account(*key).outstanding >= sums["net"]
    seen, budgets = asyncio.run(visited(new, monkeypatch, "sqlite", shards, goes_on=True))
    assert (seen, budgets) == lived[1:]
    found = audited(embedded(new))
    assert found.decisions == found.same >= len(CUSTOMERS)


def test_an_embedded_installation_becomes_many_shards_on_postgresql(
    lived: Any, data_dir: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.fresh_database()
    resharded(data_dir, PostgresqlPlace(url, data_dir), 5)
    seen, budgets = asyncio.run(visited(data_dir, monkeypatch, url, 5, goes_on=True))
    assert (seen, budgets) == lived[1:]
    found = audited(PostgresqlStore(url, data_dir))
    assert found.decisions == found.same >= len(CUSTOMERS)


def test_what_was_not_stopped_in_good_order_is_refused_and_stays_whole(
    lived: Any, data_dir: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go_on() -> None:
        kairos = InProcess(data_dir, START_MS, monkeypatch, 2)
        await kairos.start()
        living = Living(kairos)
        await living.ready()
        await living.live("acme", 4)
        await kairos.stop()

    asyncio.run(go_on())
    before = audited(embedded(data_dir))
    with pytest.raises(KairosError, match="kairos down"):
        resharded(data_dir, SqlitePlace(new), 3)
    assert audited(embedded(data_dir)) == before
    assert [path.name for path in new.iterdir()] == ["master.key"]


def test_a_number_that_is_none_and_a_place_that_is_taken_are_refused(data_dir: Path, new: Path) -> None:
    for shards in (0, 1_025):
        with pytest.raises(BadInput, match="1 to 1024"):
            resharded(data_dir, SqlitePlace(new), shards)
    with pytest.raises(BadInput, match="something else"):
        resharded(data_dir, SqlitePlace(data_dir), 3)
