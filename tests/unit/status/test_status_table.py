"""``kairos status`` shows the same facts as ``GET /v1/status``, and outlives a server that is away."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from rich.console import Console

from cluster.cli.status import tables, watched
from models.errors import KairosError

TOLD: dict[str, Any] = {
    "epoch": 4, "clock": "wall", "coordinator": True, "degraded": False, "catalog_version": "sha256:" + "a" * 64,
    "scorer_version": None, "evidence_version": 9, "shards": [
        {"shard": 0, "up": True, "state": "serving", "node_id": "ab" * 28, "incarnation": 3, "epoch": 17, "seq": 1234,
         "backlog": 5, "append_p50_ms": 0.251, "append_p99_ms": 1.75, "customers_resident": 321, "degraded": False},
        {"shard": 1, "up": False},
    ],
}


def text_of(told: Mapping[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(tables(told, "http://k"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_figure_of_a_shard_is_on_its_line() -> None:
    (line,) = (line for line in text_of(TOLD).splitlines() if "1234" in line)
    assert line.split() == ["0", "serving", "abababab", "3", "17", "1234", "5", "0.251", "1.75", "321"]
    assert len(line.rstrip()) < 80


def test_a_shard_that_does_not_answer_is_said_so_and_has_no_node() -> None:
    text = text_of(TOLD)
    assert "no answer" in text
    assert "1 of 1" in text
    assert "0 of 1" in text


def test_a_shard_that_decides_on_evidence_alone_is_said_so() -> None:
    serving, _ = TOLD["shards"]
    (line,) = (line for line in text_of({"shards": [{**serving, "degraded": True}]}).splitlines() if "1234" in line)
    assert line.split()[1] == "degraded"


def test_the_head_says_what_stands_and_what_does_not() -> None:
    text = text_of(TOLD)
    assert "coordinator: epoch 4" in text
    assert "catalog: sha256:aaaaaaaaaaaa " in text
    assert "well" in text
    broken = text_of({**TOLD, "degraded": True, "coordinator": False})
    assert "degraded" in broken.splitlines()[0]
    assert "coordinator: does not answer" in broken


def test_an_older_server_that_tells_less_is_shown_all_the_same() -> None:
    assert "shards" in text_of({"shards": [{"shard": 0, "up": True}]})


@pytest.mark.parametrize("answers_first", [True, False])
def test_a_live_table_says_for_how_long_nobody_has_answered_and_goes_on(answers_first: bool) -> None:
    asked: list[int] = []

    def ask() -> Mapping[str, Any]:
        asked.append(1)
        if answers_first and len(asked) == 1:
            return TOLD
        raise KairosError("connection refused")

    console = Console(file=io.StringIO(), width=160, force_terminal=True)
    with pytest.raises(KeyboardInterrupt):
        watched(ask, "http://k", console, stopping_after(3))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert len(asked) == 3
    assert "no answer for 0 s: connection refused" in text
    assert ("1234" in text) is answers_first


def stopping_after(times: int) -> Callable[[float], None]:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == times:
            raise KeyboardInterrupt

    return sleep
