"""Logs have one schema, say who wrote them, and hold nothing about anybody."""

from __future__ import annotations

import ast
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from actors.log_fields import ALWAYS, FIELDS, FORBIDDEN
from actors.logs import configure_logs, identify

ROOT = Path(__file__).resolve().parents[3]
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((ROOT / "actors").rglob("*.py")) + sorted((ROOT / "cluster").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                owner = node.func.value
                if isinstance(owner, ast.Name) and owner.id.lower() in {"log", "_log"}:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_every_field_that_a_line_is_given_is_in_the_schema() -> None:
    unknown = {
        f"{place}: {keyword.arg}" for place, call in calls() for keyword in call.keywords
        if keyword.arg is not None and keyword.arg not in FIELDS
    }
    assert unknown == set(), "say in actors/log_fields.py what these are"


def test_every_line_names_its_event_in_words_that_never_change() -> None:
    changing = [place for place, call in calls() if not (call.args and isinstance(call.args[0], ast.Constant))]
    assert changing == []


def test_the_schema_has_no_field_for_what_belongs_to_somebody() -> None:
    assert FORBIDDEN & FIELDS.keys() == set()


def test_each_line_is_one_json_object_that_says_who_wrote_it(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", process="shard", shard=3, incarnation=2)
    identify(epoch=7)
    structlog.get_logger("x").warning("disk_full", request_ids=["r-1"], epoch=8)
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["process"], told["shard"], told["incarnation"], told["level"]) == ("shard", 3, 2, "warning")
    assert told["epoch"] == 8, "what the line itself says counts"
    assert told.keys() >= ALWAYS.keys()


def test_a_replica_writes_past_what_serve_puts_in_the_place_of_standard_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr("builtins.print", lambda *objects, **_: written.write(f"{objects}"))  # as Serve's prints
    monkeypatch.setattr(sys, "__stderr__", written)
    configure_logs("info", in_replica=True, process="gateway")
    structlog.get_logger("x").warning("request_failed")
    assert json.loads(written.getvalue())["process"] == "gateway"


def test_a_traceback_has_no_values_of_variables(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", process="gateway")
    try:
        whose = f"hh-{17}"
        raise RuntimeError("it broke" if whose else "")
    except RuntimeError:
        structlog.get_logger("x").error("command_failed", exc_info=True)
    assert "it broke" in (text := capsys.readouterr().err)
    assert "hh-17" not in text
