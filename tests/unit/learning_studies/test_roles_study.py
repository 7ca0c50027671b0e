"""What the study of roles makes of answers and changes: whose decision is wrong, and what counts as near a change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.bench.generator import traces
from loadtests.bench.generator.tally import Tally
from loadtests.bench.generator.traces import Answered
from loadtests.learning.role_changes import Change
from loadtests.learning.role_figures import figures, strangers

BEFORE = Change("before", -float("inf"), -float("inf"), "one", None, 0.0)
CANARY = Change("canary", 10.0, 10.3, "one", "two", 0.5)
PROMOTED = Change("promote", 20.0, 20.3, "two", None, 0.0)


def decided(at: float, version: str | None = "one", took: float = 0.01, **more: bool) -> Answered:
    return Answered(at - took, at, 200, more.get("degraded", False), version)


@pytest.mark.parametrize(("one", "is_strange"), [
    (decided(5.0), False), (decided(9.9, "two"), True),  # before it was asked for
    (decided(10.1), False), (decided(10.1, "two"), False),  # while it is adopted
    (decided(15.0, "two"), False), (decided(15.0, "three"), True), (decided(15.0, None), True),
    (decided(20.2), False), (decided(20.5), True), (decided(20.5, took=0.3), False),  # asked while it had its role
    (decided(25.0, "two"), False),
])
def test_a_decision_is_wrong_whose_scorer_had_no_role_from_question_to_answer(one: Answered, is_strange: bool) -> None:
    assert bool(strangers([BEFORE, CANARY, PROMOTED], [one])) is is_strange


def test_figures_tell_what_happened_near_changes_from_the_rest() -> None:
    answers = [
        decided(5.0, took=0.1), decided(10.4, "two", 0.02, degraded=True), decided(11.2, "two", 0.03),
        decided(12.0, "one", 0.1), decided(12.1, "two", 0.1, degraded=True), Answered(12.2, 12.3, 503, False, None),
        decided(30.0, "two", 0.1),
    ]
    found = figures(BEFORE, [CANARY, PROMOTED, replace(PROMOTED, begin_s=40.0, end_s=41.0)], answers)
    assert (found["requests"], found["failed"], found["degraded"], found["changes"]) == (7, 1, 2, 2)
    near = [found[f"{which}_near_a_change"] for which in ("failed", "degraded", "decided")]
    assert near == [0, 1, 1]
    assert found["degraded_s_after_adoption"] == {"0.1": 1, "1.8": 1}
    assert (found["after_changes"]["requests"], found["after_changes"]["p99_ms"]) == (2, pytest.approx(30.0))
    assert (found["rest"]["requests"], found["rest"]["p50_ms"]) == (4, pytest.approx(100.0))
    assert found["adopted_ms"]["max"] == pytest.approx(300.0)
    assert found["by_a_scorer_without_role"] == 0
    assert found["canaries"] == [{"share": 0.5, "decisions": 4, "by_the_canary": 0.75}]


def test_a_trace_holds_every_answer_of_a_run(tmp_path: Path) -> None:
    tally = Tally(str(tmp_path / "trace"))
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    tally.answered(1.0, 1.5, 200, head + b'{"scorer_version":"xgb-1","degraded":true}')
    tally.answered(2.0, 2.5, 200, head + b'{"scorer_version":null,"degraded":false}')
    tally.answered(3.0, 3.5, 503, head)
    assert tally.result().answered == 2
    assert list(traces.read(tmp_path / "trace")) == [
        Answered(1.0, 1.5, 200, True, "xgb-1"), Answered(2.0, 2.5, 200, False, None),
        Answered(3.0, 3.5, 503, False, None),
    ]
