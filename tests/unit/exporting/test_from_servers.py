"""An export out of a live server's calls is that of its stored journals, in either store, and a log to evaluate on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from simulation.catalog import catalog
from support.in_process import InProcess
from support.postgres import PostgresServer
from unit.moving.lived import CUSTOMERS, ERASED, START_MS, Living

from actors.stores.opening import open_store
from cluster.evaluating import load
from cluster.exporting.exporting import Exported, export
from cluster.journal_source import open_journals
from cluster.training import read_rows
from models import limits
from models.canonical import unpack
from models.scoring.exported import round_id
from models.times import format_time


class Recorded:
    """A ``JournalSource`` of the pages that a server gave."""

    def __init__(self, pages: dict[tuple[int, int], Any], shards: int) -> None:
        self.shards, self._pages = shards, pages

    def rows(self, shard: int, after: int) -> Any:
        return self._pages[shard, after]

    def base(self, shard: int, after: bytes) -> Any:
        raise AssertionError("nothing was truncated")


async def recorded(living: Living, shards: int) -> Recorded:
    """Every page of the journal call, a few rows each."""
    pages: dict[tuple[int, int], Any] = {}
    for shard in range(shards):
        after: int | None = 0
        while after is not None:
            page = pages[shard, after] = unpack(await living.kairos.shard(shard, "journal", after, 7))
            after = page["next"]
    return Recorded(pages, shards)


async def lived(data_dir: Path, monkeypatch: pytest.MonkeyPatch, store: str) -> tuple[Recorded, list[str]]:
    """Customers decide and answer, one is erased, and all response windows end."""
    kairos = InProcess(data_dir, START_MS, monkeypatch, store=store)
    await kairos.start()
    living = Living(kairos)
    answer = await living.ask("main", "PUT", "/v1/catalog", catalog())
    assert answer.status_code in (200, 202), answer.text
    await living.ready()
    decided = await living.live("main", 1)
    assert (await living.ask("main", "DELETE", f"/v1/customers/{ERASED}")).status_code == 200
    far = {"time": format_time(START_MS + 90 * limits.DAY_MS)}
    assert (await living.ask("main", "PUT", "/v1/clock", far)).status_code == 200
    for customer in CUSTOMERS:
        asked = {"request_id": "late", "customer_id": customer, "channel": "web",
                 "placements": [{"id": "hero"}, {"id": "strip", "count": 2}]}
        decided.append((await living.ask("main", "POST", "/v1/decisions", asked)).json()["decision_id"])
    pages = await recorded(living, 2)
    await kairos.stop()
    return pages, decided


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_a_server_tells_and_what_its_store_holds_give_the_same_rows(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    server: PostgresServer | None = request.getfixturevalue("postgres") if kind == "postgresql" else None
    store = "sqlite" if server is None else server.fresh_database()
    live, decided = asyncio.run(lived(tmp_path / "data", monkeypatch, store))
    from_live, counted = exported(live, tmp_path / "live")
    with open_journals(open_store({"data_dir": str(tmp_path / "data"), "store": store}), None, "") as stored:
        from_store, again = exported(stored, tmp_path / "stored.parquet")
    assert from_live == from_store
    assert (counted.rows, counted.labelled, counted.erased) == (again.rows, again.labelled, again.erased)
    assert counted.erased == 1
    assert 0 < counted.accepted < counted.labelled < counted.rows
    assert counted.open > 0
    known = {round_id(id_, placement) for id_ in decided for placement in ("hero", "strip")}
    assert set(from_live["round_id"].to_pylist()) <= known
    assert len(set(from_live["round_id"].to_pylist())) > len(CUSTOMERS)


def exported(source: Any, out: Path) -> tuple[pa.Table, Exported]:
    found = export(source, out)
    return pq.read_table(out), found


def test_an_export_is_a_log_to_evaluate_on_and_rows_to_train_on_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = asyncio.run(lived(tmp_path / "data", monkeypatch, "sqlite"))
    table, found = exported(source, tmp_path / "log.parquet")
    policy = table.select(["round_id", "action", "rank"])
    certain = pa.array([1.0] * len(policy))
    pq.write_table(policy.append_column("probability", certain), tmp_path / "policy.parquet")
    loaded = load(tmp_path / "log.parquet", tmp_path / "policy.parquet")
    assert 0 < len(loaded.log) <= found.rows - found.open
    assert set(loaded.log.reward.tolist()) == {0.0, 1.0}
    assert any("open" in note for note in loaded.notes), loaded.notes
    rows = read_rows(tmp_path / "log.parquet")
    assert len(rows) == found.labelled
    assert rows.features == tuple(name for name in table.column_names if "." in name)
