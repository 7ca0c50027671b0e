"""`kairos export` on the command line: what it says, what it refuses, and that its help tells every column."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner
from unit.exporting.facts_journal import START_MS, FactsJournals, lives

from cluster.cli import app, exporting
from cluster.exporting.row_files import schema_of
from models import limits
from models.errors import BadInput
from models.times import format_time


@pytest.fixture(autouse=True)
def journals(monkeypatch: pytest.MonkeyPatch) -> None:
    class Opened:
        def __enter__(self) -> FactsJournals:
            return FactsJournals([lives(60)])

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(exporting, "open_journals", lambda *_: Opened())


def run(tmp_path: Path, *arguments: str) -> str:
    command = ["export", "--data-dir", str(tmp_path), "--out", str(tmp_path / "rows"), *arguments]
    done = CliRunner().invoke(app, command)
    if isinstance(done.exception, BadInput):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_it_says_how_many_rows_there_are_and_what_is_none(tmp_path: Path) -> None:
    assert f"{tmp_path / 'rows'}: 60 rows in 1 files" in run(tmp_path)


def test_for_machines_it_prints_json_alone(tmp_path: Path) -> None:
    since, until = (format_time(START_MS + hours * limits.HOUR_MS) for hours in (10, 20))
    told = json.loads(run(tmp_path, "--json", "--since", since, "--until", until, "--customers", "hashed"))
    assert (told["rows"], told["out"], told["files"]) == (10, str(tmp_path / "rows"), 1)
    assert "customer" in pq.read_table(tmp_path / "rows").column_names


def test_spans_that_hold_no_instant_and_places_that_are_taken_are_refused(tmp_path: Path) -> None:
    at = format_time(START_MS)
    with pytest.raises(BadInput, match="not before"):
        run(tmp_path, "--since", at, "--until", at)
    with pytest.raises(BadInput, match="offset"):
        run(tmp_path, "--since", "2026-01-01T00:00:00")
    (tmp_path / "rows").mkdir()
    with pytest.raises(BadInput, match="exists already"):
        run(tmp_path)


def test_its_help_names_every_column() -> None:
    missing = [name for name in schema_of((), customers=True).names if name not in exporting.HELP]
    assert missing == []
