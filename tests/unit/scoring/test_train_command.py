"""``kairos train`` on a file of rows: a report and a registered scorer, or one clear error and nothing at all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from actors.scorer_registry import ScorerRegistry
from cluster import reports
from cluster.cli import app
from cluster.training import read_rows, write_rows
from models.errors import BadInput

START_MS = 1_700_000_000_000
PNG = b"\x89PNG\r\n\x1a\n"


def columns(count: int = 600) -> dict[str, Any]:
    draw = np.random.default_rng(3)
    visits = draw.normal(size=count)
    return {
        "time_ms": START_MS + np.arange(count), "action": ["first", "second"] * (count // 2),
        "label": (visits + draw.normal(size=count) > 0).astype(np.uint8), "channel": ["web"] * count,
        "action.value": draw.normal(size=count), "profile.visits": visits, "profile.copy": visits,
    }


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in columns().items() if key != name}


def train(place: Path, *arguments: str) -> tuple[int, str, str]:
    """(exit status, output, the error's text)."""
    rows = ["--rows", str(place / "rows.parquet"), "--data-dir", str(place / "data"), "--threads", "1"]
    done = CliRunner().invoke(app, ["train", *rows, *arguments])
    return done.exit_code, done.output, f"{done.exception} {getattr(done.exception, 'errors', '')}"


def left_behind(place: Path) -> list[str]:
    """Files and folders of scorers and reports."""
    found = [*(place / "data" / "scorers").rglob("*"), *(place / "data" / "reports").rglob("*")]
    return sorted(str(path.relative_to(place)) for path in found)


def test_a_scorer_is_registered_with_a_report_and_a_picture(tmp_path: Path) -> None:
    write_rows(columns(), tmp_path / "rows.parquet")
    status, output, _ = train(tmp_path, "--json")
    assert status == 0, output
    told = json.loads(output)
    manifest = ScorerRegistry(tmp_path / "data").manifests()[0]
    assert told["version"] == manifest.version
    assert told["promoted"] is False
    assert told["dropped"] == manifest.dropped == {"profile.copy": manifest.dropped["profile.copy"]}
    assert manifest.features == ("profile.visits", "action.value")
    folder = tmp_path / "data" / "reports" / manifest.version
    assert told["report_folder"] == str(folder)
    kept = json.loads((folder / reports.REPORT).read_text())
    assert kept["metrics"] == manifest.metrics
    assert {"reading", "selecting", "growing", "calibrating"} <= set(kept["seconds"])
    assert (folder / reports.PICTURE).read_bytes().startswith(PNG)
    assert sorted(path.name for path in folder.parent.iterdir()) == [manifest.version]


def test_tables_tell_people_the_same_and_where_the_report_is(tmp_path: Path) -> None:
    write_rows(columns(), tmp_path / "rows.parquet")
    status, output, _ = train(tmp_path, "--report", str(tmp_path / "told"), "--no-promote")
    assert status == 0, output
    for word in ("AUC", "log loss", "by action", "by channel", "first", "web", "importance", "profile.visits",
                 "dropped", "profile.copy", "stopping"):
        assert word in output
    assert {path.name for path in (tmp_path / "told").iterdir()} == {reports.REPORT, reports.PICTURE}
    assert not (tmp_path / "data" / "reports").exists()


def test_every_feature_is_kept_when_it_is_asked_for(tmp_path: Path) -> None:
    write_rows(columns(), tmp_path / "rows.parquet")
    _, output, _ = train(tmp_path, "--every-feature", "--json")
    assert json.loads(output)["dropped"] == {}


@pytest.mark.parametrize(("bad", "reason"), [
    (without("time_ms"), "time_ms.*missing"), (without("action"), "action.*missing"),
    (without("label"), "label.*missing"),
    ({name: value for name, value in columns().items() if "." not in name}, "no feature column"),
    (columns(60), "60 rows are too few"),
    (columns() | {"label": np.ones(600, np.uint8)}, "one class"),
    (columns() | {"label": np.full(600, 7)}, "0 or 1 in every row"),
    (columns() | {"label": np.where(np.arange(600) % 2, 1.0, np.nan)}, "0 or 1 in every row"),
    (columns() | {"label": ["yes"] * 600}, "label.*string"),
    (columns() | {"profile.endless": np.full(600, -np.inf)}, "profile.endless.*infinite in 600 rows"),
    (columns() | {"time_ms": np.arange(600) - 5}, "never negative"),
    (columns() | {"time_ms": (START_MS + np.arange(600)) * 1_000}, "not microseconds"),
    (columns() | {"time_ms": np.where(np.arange(600) % 2, 1.0, np.nan)}, "whole milliseconds"),
    (columns() | {"label_time_ms": np.arange(600) - 5}, "label_time_ms.*never negative"),
    (columns() | {"weight": np.full(600, np.nan)}, "weight.*0 or more"),
    (columns() | {"weight": np.full(600, -1.0)}, "weight.*0 or more"),
    (columns() | {"weight": np.full(600, np.inf)}, "weight.*0 or more"),
    (columns() | {"weight": np.zeros(600)}, "of a weight above 0"),
    (columns() | {"profile.visits": ["x"] * 600}, r"profile\.visits.*string"),
    (columns() | {"action": [None] * 600}, "action.*empty in 600 rows"),
])
def test_rows_that_cannot_teach_are_refused_and_nothing_is_left(
    tmp_path: Path, bad: dict[str, Any], reason: str
) -> None:
    write_rows(bad, tmp_path / "rows.parquet")
    status, _, error = train(tmp_path)
    assert status == 1
    assert re.search(reason, error), error
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"PAR1", b"time_ms,action,label\n1,a,0\n"])
def test_what_is_no_parquet_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="cannot read"):
        read_rows(path)
    write_rows(columns(), path)
    path.write_bytes(path.read_bytes()[:2_000])
    with pytest.raises(BadInput, match="cannot read"):
        read_rows(path)


def interrupted(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("where", ["drawing", "registering", "writing"])
def test_an_interruption_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    write_rows(columns(), tmp_path / "rows.parquet")
    if where == "drawing":
        monkeypatch.setattr(reports, "draw", interrupted)
    elif where == "registering":
        monkeypatch.setattr("actors.scorer_registry.os.replace", interrupted)
    else:
        monkeypatch.setattr("actors.scorer_registry.replace_file", interrupted)
    status, _, _ = train(tmp_path)
    assert status != 0
    assert left_behind(tmp_path) == []


def test_rows_of_an_export_that_nobody_saw_or_whose_window_is_open_are_not_learnt_from(tmp_path: Path) -> None:
    given = columns(10) | {"confirmed": [True] * 6 + [False, None, True, True]}
    table = pa.table({name: pa.array(values) for name, values in given.items()})
    label = pa.array([0, 1] * 4 + [None, 1], pa.uint8())
    table = table.set_column(table.column_names.index("label"), "label", label)
    table = table.append_column("round_id", pa.array([f"r{one}" for one in range(10)]))
    pq.write_table(table, tmp_path / "rows.parquet")
    rows = read_rows(tmp_path / "rows.parquet")
    assert rows.label.tolist() == [0, 1, 0, 1, 0, 1, 1]
    assert rows.features == ("profile.visits", "profile.copy", "action.value")
    assert rows.actions.counts() == {"first": 3, "second": 4}
    assert rows.channels is not None
    assert rows.channels.counts() == {"web": 7}


def test_a_folder_of_files_is_read_as_one(tmp_path: Path) -> None:
    whole = columns()
    for number in range(3):
        write_rows({name: value[number * 200 : number * 200 + 200] for name, value in whole.items()},
                   tmp_path / "rows" / f"{number}.parquet")
    write_rows(whole, tmp_path / "whole.parquet")
    one, many = read_rows(tmp_path / "whole.parquet"), read_rows(tmp_path / "rows")
    assert one.matrix.tobytes() == many.matrix.tobytes()
    assert one.label.tolist() == many.label.tolist()
    assert one.actions.counts() == many.actions.counts()
