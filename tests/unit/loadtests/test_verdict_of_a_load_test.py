"""A verdict must fail when a promise was broken, or its passing means nothing."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.verdict.budgets import check_budgets, has_arrived
from loadtests.verdict.checks import Check
from loadtests.verdict.exact import Acknowledged, Exactness, check_customer
from loadtests.verdict.generator import GeneratorMeter
from loadtests.verdict.judge import Run, verdict
from loadtests.verdict.record import Record
from loadtests.verdict.trend import check_flat, slope

CATALOG: dict[str, Any] = {
    "timezone": "UTC", "channels": [{"id": "web", "direction": "inbound"}],
    "placements": [{"id": "hero", "channel": "web"}],
    "hierarchy": [{"issue": "grow", "groups": [{"id": "offers"}]}],
    "budgets": [{"id": "pool", "cap": 10}],
    "actions": [{"id": "one", "group": "offers", "treatments": [{"id": "one_hero", "placement": "hero"}]}],
    "contact_policies": [{"id": "once", "limit": 1, "window": "24h"}],
}


def decision(number: int) -> dict[str, Any]:
    """One contact, an hour after the one before it."""
    items = [{"action": "one", "treatment": "one_hero", "fallback": False, "hold_expires": "2026-11-22T23:00:00+00:00"}]
    body = {
        "decision_id": f"d{number}", "time": f"2026-11-22T0{number}:00:00+00:00",
        "placements": [{"placement": "hero", "items": items}],
    }
    return {"kind": "decision", "id": f"d{number}", "body": body}


def event(id_: str) -> dict[str, Any]:
    return {"kind": "event", "id": id_, "body": {"type": "page_view", "time": "2026-11-22T00:00:00+00:00"}}


def checked(timeline: list[dict[str, Any]], **acknowledged: list[str]) -> Exactness:
    known = Acknowledged(["c"])
    for kind, ids in acknowledged.items():
        for id_ in ids:
            known.note("c", kind, id_)
    found = Exactness()
    check_customer(found, CATALOG, "c", known.ids["c"], timeline[::-1])
    return Exactness.from_wire(found.to_wire())


def measured() -> Record:
    record = Record()
    record.answered("decisions", 0.005, 0)
    return record


def passed(**more: Any) -> bool:
    run = Run("browse", "r", "http://x", "http", 1.0, 1, 0.0, "poisson", **{"record": measured(), **more})
    return bool(verdict(run)["passed"])


def test_what_was_acknowledged_and_stands_there_once_passes() -> None:
    exactness = checked([event("e1"), decision(1)], event=["e1"], decision=["d1"])
    assert exactness.is_clean
    assert passed(exactness=exactness)


def test_a_lost_event_fails_the_verdict() -> None:
    exactness = checked([event("e1")], event=["e1", "e2"])
    assert exactness.missing == {"event": 1}
    assert not passed(exactness=exactness)


def test_an_effect_that_came_twice_fails_the_verdict_even_if_nobody_was_told() -> None:
    exactness = checked([event("e1"), event("e1")])
    assert exactness.doubled == {"event": 1}
    assert not passed(exactness=exactness)


def test_a_contact_over_its_cap_fails_the_verdict() -> None:
    exactness = checked([decision(1), decision(2)], decision=["d1", "d2"])
    assert exactness.exceeded["once"] > 0
    assert not passed(exactness=exactness)


def test_a_timeline_that_cannot_be_read_fails_the_verdict() -> None:
    assert not passed(exactness=Exactness(unread=1))


def test_exactness_of_workers_adds_up() -> None:
    both = checked([event("e1")], event=["e1", "e2"])
    both.merge(checked([event("e1"), event("e1")]))
    assert (both.customers, both.missing.total(), both.doubled.total()) == (2, 1, 1)


def test_customers_that_are_not_checked_cost_no_memory() -> None:
    known = Acknowledged(["c"])
    known.note("other", "event", "e1")
    assert known.ids.keys() == {"c"}


def test_errors_beyond_the_share_fail_the_verdict() -> None:
    record = measured()
    record.failed("decisions", "503", 0)
    assert not passed(record=record)
    assert passed(record=record, errors_max=0.5)


@pytest.mark.parametrize(
    "broken", [{"bugs": 1}, {"silent": 1}, {"record": Record()}, {"checks": [Check("x", False, "")]}],
)
def test_a_test_that_proves_nothing_fails(broken: dict[str, Any]) -> None:
    assert not passed(**broken)


def test_arrivals_that_were_never_sent_fail_an_open_loop() -> None:
    record = measured()
    record.lateness.add(0.0)
    run = Run("browse", "r", "http://x", "http", 1.0, 1, 10.0, "poisson", record=record)
    assert verdict(run)["passed"]
    record.unsent.add(1.5)
    body = verdict(run)
    assert not body["passed"]
    assert (body["loop"]["due"], body["loop"]["never_sent"]) == (2, 1)


def test_a_busy_generator_is_named_and_fails_nothing() -> None:
    used = {"cpu_s": 0.95, "core_share": 0.95, "late_share": 0.2, "late_max_ms": 30.0}
    run = Run("browse", "r", "http://x", "http", 1.0, 1, 0.0, "poisson", record=measured(), generators=[used])
    body = verdict(run)
    assert body["passed"]
    assert any("bottleneck" in check["name"] for check in body["checks"])


def test_records_of_workers_merge_over_the_wire() -> None:
    mine, theirs = measured(), measured()
    theirs.failed("events", "no answer", 3)
    theirs.decided(True, 3)
    theirs.spent["pool"] += 2
    mine.merge(Record.from_wire(theirs.to_wire()))
    assert mine.calls["decisions"].count == 2
    assert mine.errors == {"events: no answer": 1}
    assert (mine.decisions, mine.degraded, mine.spent["pool"]) == (1, 1, 2)
    assert (mine.slices[3].errors, mine.slices[3].degraded, mine.slices[0].latency.count) == (1, 1, 2)


def book(**more: Any) -> dict[str, Any]:
    return {"id": "pool", "cap": 10, "spent": 0, "held": 0, "unfunded": 0, "available": 10, "period": None, **more}


def failed(after: dict[str, Any], spent: int, alone: bool = True, unresolved: int = 0) -> list[str]:
    record = Record()
    record.spent["pool"], record.unresolved["pool"] = spent, unresolved
    return [one.name for one in check_budgets([book()], [after], record, alone=alone) if one.passed is False]


def test_budgets_must_equal_what_was_accepted() -> None:
    assert failed(book(spent=3), 3) == []
    assert failed(book(spent=2, unfunded=1), 3) == []
    assert failed(book(spent=4), 3) == ["budgets equal the accepted outcomes"]
    assert failed(book(spent=2), 3) == ["budgets equal the accepted outcomes"]


def test_what_was_never_answered_may_have_been_spent_and_others_may_spend_too() -> None:
    assert failed(book(spent=4), 3, unresolved=1) == []
    assert failed(book(spent=9), 3, alone=False) == []
    assert failed(book(spent=2), 3, alone=False) == ["budgets equal the accepted outcomes"]


def test_an_overspent_budget_fails_and_one_whose_cap_was_lowered_before_does_not() -> None:
    assert "no budget is overspent" in failed(book(spent=8, held=3), 8)
    before = book(spent=20, held=0)
    checks = check_budgets([before], [before], Record(), alone=True)
    assert [one.passed for one in checks] == [True, True]


def test_a_budget_whose_period_rolled_over_is_not_compared() -> None:
    assert failed(book(spent=0, period={"from": "later"}), 3) == []


def test_books_that_do_not_show_everything_yet_are_waited_for() -> None:
    record = Record()
    record.spent["pool"] = 3
    assert not has_arrived([book()], [book(spent=2)], record)
    assert has_arrived([book()], [book(spent=3)], record)


def test_a_slope_is_found_and_a_flat_line_is_flat() -> None:
    rising = [(float(at), 100.0 + at) for at in range(100)]
    assert slope(rising) == pytest.approx(1.0)
    assert slope([*rising[:40], (40.0, 9_000.0), (41.0, 9_000.0), *rising[42:]]) == pytest.approx(1.0, abs=0.05)
    assert check_flat("x", rising, "MB", 0.1, 5.0).passed is False
    assert check_flat("x", [(float(at), 100.0 + at % 3) for at in range(100)], "MB", 0.1, 5.0).passed is True


def test_growth_during_the_warm_up_is_forgiven_and_a_short_run_is_not_judged() -> None:
    warm = [(float(at), 100.0 * min(at, 20)) for at in range(100)]
    assert check_flat("x", warm, "MB", 0.0, 1.0).passed is True
    assert check_flat("x", warm[:5], "MB", 0.0, 1.0).passed is None
    assert check_flat("x", [], "MB", 0.0, 1.0).passed is None


def test_a_generator_that_is_late_says_so() -> None:
    now = [0.0]

    def slow(seconds: float) -> None:
        now[0] += seconds + 0.1
        if now[0] > 1.0:
            meter.stop()

    meter = GeneratorMeter(slow, clock=lambda: now[0], cpu_clock=lambda: now[0] / 2)
    meter.run()
    used = meter.stop()
    assert (used["late_share"], used["core_share"]) == (1.0, 0.5)
    assert used["late_max_ms"] == pytest.approx(100.0)
