"""What `kairos export` writes: every competing position with what was known then, once, all or nothing."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unit.exporting.facts_journal import (
    ADOPTED,
    PLAN,
    START_MS,
    FactsJournals,
    decided,
    item,
    lives,
    outcome,
    visit,
)
from unit.scoring.scoring_catalog import catalog

from cluster.exporting.exporting import Exported, export
from cluster.exporting.profile_shelf import ProfileShelf
from cluster.journal_rows import rows_of
from cluster.training import read_rows
from models import limits
from models.catalog.check import check_data
from models.errors import BadInput, KairosError
from models.profile import packing
from models.profile.apply import apply
from models.profile.facts import Born
from models.profile.state import Profile
from models.scoring.exported import round_id
from models.scoring.labels import default_features
from models.scoring.training import train
from models.turn.shard_facts import CatalogAdopted
from models.turn.shard_state import ShardState

DAY_MS = limits.DAY_MS
ANN, BOB = b"a" * 16, b"b" * 16


def one_shard(*rows: Any) -> FactsJournals:
    born = (START_MS, [ADOPTED], [(ANN, [Born("ann")]), (BOB, [Born("bób ☃")])])
    return FactsJournals([[born, *rows]])


def exported(source: Any, out: Path, **options: Any) -> tuple[pa.Table, Exported]:
    found = export(source, out, **options)
    return pq.read_table(out), found


def test_a_row_says_what_was_chosen_how_likely_that_was_and_what_came_of_it(tmp_path: Path) -> None:
    shown = decided(
        "d☃", START_MS, [item("first", 1), item("second", 2), item("third", 3, fallback=True)],
        scorer_version="xgb-1", evidence_version=7, exposures=(("exp ä", "control"),),
    )
    source = one_shard(
        (START_MS, [], [(ANN, [visit("e1", START_MS), shown, outcome("d☃", "impression", START_MS + 5)])]),
        (START_MS + 6, [], [(ANN, [outcome("d☃", "accept", START_MS + 6)])]),
        (START_MS + 8 * DAY_MS, [], [(BOB, [decided("d2", START_MS + 8 * DAY_MS, degraded=True)])]),
    )
    table, found = exported(source, tmp_path / "rows.parquet")
    second, first, still_open = table.to_pylist()
    assert first == {
        "round_id": round_id("d☃", "hero"), "action": "first", "rank": 1, "reward": 1.0, "selection_probability": 0.25,
        "placement": "hero", "channel": "web", "treatment": "first_hero", "time_ms": START_MS, "label": 1,
        "label_time_ms": START_MS + 5 + 7 * DAY_MS, "confirmed": True, "propensity": 0.125, "scorer_version": "xgb-1",
        "evidence_version": 7, "catalog_version": PLAN.version, "degraded": False,
        "experiments": [("exp ä", "control")], "profile.visits_7d": 1.0, "attribute.age": None, "attribute.staff": None,
        "time.hour": first["time.hour"], "time.weekday": first["time.weekday"], "channel.web": 1.0, "channel.app": 0.0,
        "action.value": 2.0, "action.lever": first["action.lever"], "action.evidence": pytest.approx(0.05),
        "group.coupons": 1.0, "group.help": 0.0, "issue.grow": 1.0, "issue.serve": 0.0, "tag.dairy": 1.0,
    }
    assert (second["rank"], second["reward"], second["label"], second["confirmed"]) == (2, 0.0, None, False)
    assert (still_open["reward"], still_open["label"], still_open["degraded"]) == (None, None, True)
    assert (found.rows, found.labelled, found.accepted, found.open) == (3, 1, 1, 1)
    assert found.left_out == {"fallback": 1}


def test_the_first_columns_are_a_log_of_positions_that_name_no_decision_and_no_customer(tmp_path: Path) -> None:
    source = FactsJournals([lives(30, prefix="left"), lives(30, prefix="right")])
    table, _ = exported(source, tmp_path / "rows")
    log = table.select(["round_id", "action", "rank", "reward", "selection_probability"])
    positions = list(zip(log["round_id"].to_pylist(), log["rank"].to_pylist(), strict=True))
    assert len(set(positions)) == len(positions) == 60
    assert all(0 < chance <= 1 for chance in log["selection_probability"].to_pylist())
    assert {1.0, 0.0} >= set(log["reward"].drop_null().to_pylist())
    assert "customer" not in table.column_names
    text = " ".join(str(one) for one in table["round_id"].to_pylist())
    assert "left" not in text


def test_pseudonyms_say_which_rows_are_of_one_customer_when_asked_for(tmp_path: Path) -> None:
    table, _ = exported(FactsJournals([lives(40, customers=4)]), tmp_path / "rows.parquet", customers=True)
    again, _ = exported(FactsJournals([lives(40, customers=4)]), tmp_path / "again.parquet", customers=True)
    assert table["customer"].to_pylist() == again["customer"].to_pylist()
    names = table["customer"].to_pylist()
    assert len(set(names)) == 4
    assert names[0] == names[4] != names[1]
    assert len(names[0]) == 32


def test_only_what_was_decided_in_the_span_is_written(tmp_path: Path) -> None:
    span = (START_MS + 10 * limits.HOUR_MS, START_MS + 15 * limits.HOUR_MS)
    table, found = exported(FactsJournals([lives(400)]), tmp_path / "rows.parquet", span_ms=span)
    assert table["time_ms"].to_pylist() == [START_MS + hour * limits.HOUR_MS for hour in range(10, 15)]
    assert (found.rows, found.labelled) == (5, 5)


def test_who_was_erased_or_has_no_beginning_is_counted_and_not_written(tmp_path: Path) -> None:
    source = one_shard(
        (START_MS, [], [(ANN, None)]),
        (START_MS, [], [(b"h" * 16, [decided("headless", START_MS)])]),
        (START_MS, [], [(BOB, [decided("d1", START_MS)])]),
    )
    table, found = exported(source, tmp_path / "rows.parquet")
    assert table["round_id"].to_pylist() == [round_id("d1", "hero")]
    assert (found.erased, found.headless) == (1, 1)


def test_a_journal_that_was_truncated_begins_with_the_customers_of_its_base(tmp_path: Path) -> None:
    state = ShardState(0)
    state.apply_shard_fact(ADOPTED)
    ann = apply(None, Born("ann"), PLAN, START_MS)
    ann = apply(ann, visit("e1", START_MS), PLAN, START_MS)

    class Truncated(FactsJournals):
        def rows(self, shard: int, after: int) -> dict[str, Any]:
            return super().rows(shard, after) | {"base": {"seq": 1, "t": START_MS, "state": state.pack()}}

        def base(self, shard: int, after: bytes) -> dict[str, Any]:
            return {"profiles": [[ANN, 1, packing.pack(ann)], [BOB, 2, None]], "next": None}

    later = [(START_MS + 1, [], [(ANN, [decided("d1", START_MS + 1)]), (BOB, [decided("d2", START_MS + 1)])])]
    table, found = exported(Truncated([later]), tmp_path / "rows")
    assert (table["profile.visits_7d"].to_pylist(), found.headless) == ([1.0], 1)


def test_a_folder_holds_files_of_each_shard_that_all_have_the_columns_of_the_newest_catalog(tmp_path: Path) -> None:
    older = check_data(catalog() | {"attributes": [{"id": "gone", "type": "number"}]})
    left = [*lives(20, plan=CatalogAdopted(older.version, dict(older.catalog)))]
    left += [(START_MS + 90 * DAY_MS, [ADOPTED], [])]
    left += [(START_MS + 91 * DAY_MS, [], [(b"c1", [decided("newer", START_MS + 91 * DAY_MS)])])]
    table, found = exported(FactsJournals([left, lives(20, prefix="right")]), tmp_path / "rows")
    paths = sorted((tmp_path / "rows").iterdir())
    assert [path.name[:10] for path in paths] == ["shard-0000", "shard-0000", "shard-0001"]
    assert found.files == 3
    features = [name for name in table.column_names if "." in name]
    assert tuple(features) == default_features(PLAN)
    assert {tuple(pq.read_schema(path).names) for path in paths} == {tuple(table.column_names)}
    assert table["attribute.age"].null_count == len(table) == 41
    one, _ = exported(FactsJournals([left, lives(20, prefix="right")]), tmp_path / "one.parquet")
    assert one == table


def test_nothing_is_there_before_all_is_and_nothing_is_overwritten(tmp_path: Path) -> None:
    def broken() -> Any:
        yield from lives(200)
        raise KairosError("the server is gone")

    with pytest.raises(KairosError, match="is gone"):
        export(FactsJournals([broken()]), tmp_path / "rows")
    assert list(tmp_path.iterdir()) == []
    export(FactsJournals([lives(3)]), tmp_path / "rows")
    with pytest.raises(BadInput, match="exists already"):
        export(FactsJournals([lives(3)]), tmp_path / "rows")
    with pytest.raises(BadInput, match="no catalog"):
        export(FactsJournals([[]]), tmp_path / "empty")
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]


def test_memory_does_not_grow_with_the_journal(tmp_path: Path) -> None:
    def exported_rows(decisions: int, name: str) -> int:
        journal = lives(decisions, apart_ms=limits.DAY_MS)
        return export(FactsJournals([journal]), tmp_path / name, group_rows=32).rows

    def peak(decisions: int) -> int:
        tracemalloc.start()
        assert exported_rows(decisions, f"{decisions}") == decisions
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    exported_rows(1_200, "what is remembered on purpose, within bounds, is in memory now")
    assert peak(1_200) < 1.2 * peak(400)


def test_a_shelf_gives_back_what_was_put_there_however_little_it_holds_in_memory() -> None:
    shelf = ProfileShelf(hot=2)
    for number in range(9):
        shelf[bytes([number])] = Profile(f"c{number}", state_version=number)
    shelf[b"\x03"] = Profile("changed", state_version=40)
    assert [shelf[bytes([number])].state_version for number in range(9)] == [0, 1, 2, 40, 4, 5, 6, 7, 8]
    assert len(shelf) == 9
    assert shelf.pop(b"\x03").customer_id == "changed"
    assert shelf.get(b"\x03") is None
    with pytest.raises(KeyError):
        del shelf[b"\x03"]
    assert sorted(shelf) == [bytes([number]) for number in range(9) if number != 3]
    shelf.close()


def test_a_scorer_of_the_export_is_that_of_the_journals_to_the_byte(tmp_path: Path) -> None:
    apart_ms = 6 * limits.HOUR_MS

    def journals() -> FactsJournals:
        return FactsJournals([lives(450, apart_ms=apart_ms), lives(350, prefix="right", seed=2, apart_ms=apart_ms)])

    _, found = exported(journals(), tmp_path / "rows")
    export(journals(), tmp_path / "rows.parquet")
    read, headless = rows_of(journals())
    assert (len(read), headless) == (found.labelled, 0)
    from_journals = train(read, created_ms=5)
    for path in (tmp_path / "rows", tmp_path / "rows.parquet"):
        from_export = train(read_rows(path), created_ms=5)
        assert from_export.model == from_journals.model
        assert from_export.manifest == from_journals.manifest
        assert from_export.report == from_journals.report
