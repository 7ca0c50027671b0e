"""The numbers as they are told agree among each other."""

from __future__ import annotations

import pytest
from unit.insight.facts import NAMES, VERSION, code, decided, item, outcome, row

from models.arbitration import fates
from models.arbitration.preparation import GATES
from models.errors import BadInput
from models.insight import told
from models.insight.history import History
from models.insight.rows import read

START_MS = 1_767_225_600_000


@pytest.fixture
def history() -> History:
    found = History()
    chosen, ranked, refused = code(fates.CHOSEN), code(fates.RANKED), code(fates.CONTACT_POLICY, 1)
    dry, ledger = code(fates.BUDGET, 0), code(fates.CONTACT_POLICY)
    read([
        row(1, START_MS, decided(codes=(chosen, ranked, refused), items=(item("coupon"), item("banner", True)))),
        row(2, START_MS, decided(channel="push", codes=(code(4), chosen, dry), items=(item("help"),), degraded=True)),
        row(3, START_MS, decided(codes=(ledger, code(2), code(2)), control="holdout")),
        row(4, START_MS, outcome("coupon", value=2.5), outcome("help", "reject", "push", accepted=False)),
        row(5, START_MS, outcome("coupon", value=-1.25, confirms=False, accepted=False, control="holdout")),
    ], found, {VERSION: NAMES})
    return found


def test_the_gates_are_those_of_an_explanation(history: History) -> None:
    body = told.funnel(history, NAMES, "hour")
    assert [gate["gate"] for gate in body["gates"]] == list(GATES)
    remaining = body["gates"][0]["remaining"]
    assert remaining == sum(one["candidates"] for one in body["actions"]) == 9
    for gate in body["gates"]:
        remaining -= gate["removed"]
        assert gate["remaining"] == remaining
        assert gate["removed"] == sum(one["removed"].get(gate["gate"], 0) for one in body["actions"])
    assert remaining == sum(one["chosen"] for one in body["actions"]) == 2


def test_every_number_has_its_place(history: History) -> None:
    body = told.funnel(history, NAMES, "all")
    assert (body["decisions"], body["degraded"], body["held_out"]) == (3, 1, 1)
    assert (body["from"], body["to"]) == ("2026-01-01T00:00:00Z",) * 2
    cells = {(one["action"], one["channel"]): one for one in body["actions"]}
    coupon = cells["coupon", "web"]
    assert (coupon["chosen"], coupon["confirmed"], coupon["accepted"], coupon["value"]) == (1, 1, 1, 1.25)
    assert coupon["removed"] == {"contact_policy": 1}
    assert cells["help", "push"]["negative"] == 1
    assert cells["banner", "web"]["fallback"] == 1
    assert cells["help", "web"]["removed"] == {"control_group": 1, "chosen": 1}
    assert body["policies"] == [
        {"policy": "daily", "granted": 1, "refused": 0}, {"policy": "push_rest", "granted": 1, "refused": 1},
        {"policy": "either", "granted": 2, "refused": 0}, {"policy": "ledger", "granted": 0, "refused": 1},
    ]
    assert body["budgets"] == [{"budget": "pool", "dry": 1}, {"budget": "minutes", "dry": 0}]
    assert [one["action"] for one in body["actions"]] == sorted(
        (one["action"] for one in body["actions"]), key=NAMES.actions.index)


def test_one_channel_or_action_alone(history: History) -> None:
    push = told.funnel(history, NAMES, "day", channel="push")
    assert (push["decisions"], push["degraded"], push["held_out"]) == (1, 1, 0)
    assert {one["channel"] for one in push["actions"]} == {"push"}
    assert {one["policy"]: one["granted"] for one in push["policies"]} == {"daily": 0, "push_rest": 1, "either": 1}
    coupon = told.funnel(history, NAMES, "week", action="coupon")
    assert {one["action"] for one in coupon["actions"]} == {"coupon"}
    assert told.funnel(history, NAMES, "all", channel="nowhere")["actions"] == []


def test_nothing_yet_is_told_as_nothing() -> None:
    body = told.funnel(History(), None, "week")
    assert (body["from"], body["to"], body["decisions"], body["actions"], body["policies"]) == (None, None, 0, [], [])
    assert told.minutes(History()) == []


def test_an_unknown_window_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadInput, match="hour, day, week, all"):
        told.funnel(History(), None, "year")


def test_a_version_changes_with_the_content_and_only_then(history: History) -> None:
    one = told.version_of(told.funnel(history, NAMES, "hour"))
    assert one == told.version_of(told.funnel(history, NAMES, "hour")) < 2**53
    read([row(6, START_MS, outcome("coupon"))], history, {VERSION: NAMES})
    assert told.version_of(told.funnel(history, NAMES, "hour")) != one


def test_minutes_tell_what_happened_in_each(history: History) -> None:
    read([row(6, START_MS + 61_000, decided())], history, {VERSION: NAMES})
    first, second = told.minutes(history)
    assert first == {
        "minute": "2026-01-01T00:00:00Z", "decisions": 3, "degraded": 1, "events": 0, "outcomes": 3, "chosen": 2,
        "accepted": 1,
    }
    assert (second["minute"], second["decisions"]) == ("2026-01-01T00:01:00Z", 1)
