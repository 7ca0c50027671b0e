"""The demo's own counter of promises: it must find what is broken, or its zeros mean nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cluster.demo.recount import Recounter
from cluster.demo.verify import overspent

START = datetime(2017, 10, 4, 14, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def catalog(policies: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "timezone": "America/New_York",
        "channels": [{"id": "email", "direction": "outbound"}, {"id": "pos", "direction": "inbound"}],
        "placements": [{"id": "mail", "channel": "email"}, {"id": "receipt", "channel": "pos"}],
        "hierarchy": [{"issue": "grow", "groups": [{"id": "a"}, {"id": "b"}]}],
        "budgets": [
            {"id": "letters", "cap": 1, "period": "day", "spend_on": "contact"}, {"id": "coupons", "cap": 1},
        ],
        "actions": [
            {"id": name, "group": group, "budget": {"id": "coupons", "units": 1}, "treatments": [
                {"id": f"{name}_mail", "placement": "mail", "budget": {"id": "letters", "units": 1}},
                {"id": f"{name}_receipt", "placement": "receipt"},
            ]} for name, group in (("one", "a"), ("two", "b"))
        ],
        "contact_policies": policies,
    }


class Timeline:
    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []

    def decide(self, at: datetime, *actions: str, placement: str = "mail", fallback: bool = False) -> str:
        id_ = f"d{len(self.items)}"
        items = [
            {"action": action, "treatment": f"{action}_{placement}", "fallback": fallback,
             "hold_expires": None if fallback else (at + 2 * HOUR).isoformat()}
            for action in actions
        ]
        body = {"decision_id": id_, "time": at.isoformat(), "placements": [{"placement": placement, "items": items}]}
        self.items.append({"kind": "decision", "id": id_, "body": body})
        return id_

    def outcome(self, decision: str, action: str, kind: str, at: datetime, **more: Any) -> None:
        body = {"decision_id": decision, "action": action, "type": kind, "time": at.isoformat(), **more}
        self.items.append({"kind": "outcome", "id": f"{decision}{kind}", "body": body})

    def event(self, at: datetime, kind: str, properties: dict[str, Any]) -> None:
        body = {"type": kind, "time": at.isoformat(), "properties": properties}
        self.items.append({"kind": "event", "id": f"e{len(self.items)}", "body": body})

    def shown(self, at: datetime, action: str, placement: str = "mail") -> str:
        decision = self.decide(at, action, placement=placement)
        self.outcome(decision, action, "impression", at)
        return decision

    def newest_first(self) -> list[dict[str, Any]]:
        return self.items[::-1]


def exceeded(line: Timeline, **policy: Any) -> int:
    recounter = Recounter(catalog([{"id": "cap", **policy}]))
    recounter.add(line.newest_first())
    return recounter.result.exceeded["cap"]


@pytest.mark.parametrize(("apart", "broken"), [(DAY - timedelta(milliseconds=1), True), (DAY, False)])
def test_a_second_contact_inside_the_window_is_found_and_exactly_one_window_later_is_fine(
    apart: timedelta, broken: bool
) -> None:
    line = Timeline()
    line.shown(START, "one")
    line.shown(START + apart, "two")
    assert bool(exceeded(line, limit=1, window="24h")) is broken


def test_an_open_hold_counts_and_a_released_or_expired_one_does_not() -> None:
    for release, broken in ((None, True), ("not_shown", False)):
        line = Timeline()
        decision = line.decide(START, "one")
        if release:
            line.outcome(decision, "one", release, START + HOUR)
        line.decide(START + HOUR, "two")
        assert bool(exceeded(line, limit=1, window="24h")) is broken
    line = Timeline()
    line.decide(START, "one")
    line.decide(START + 2 * HOUR + timedelta(minutes=5), "two")
    assert exceeded(line, limit=1, window="24h") == 0


def test_items_of_one_decision_count_together_but_fallbacks_never_do() -> None:
    line = Timeline()
    line.decide(START, "one", "two")
    assert exceeded(line, limit=1, window="24h") > 0
    line = Timeline()
    line.decide(START, "one", "two", fallback=True)
    assert exceeded(line, limit=0, window="24h") == 0


def test_scope_and_per_are_minded() -> None:
    line = Timeline()
    line.shown(START, "one")
    line.shown(START, "two", "receipt")
    assert exceeded(line, scope={"channel": "email"}, limit=1, window="24h") == 0
    assert exceeded(line, scope={"issue": "grow"}, limit=1, window="24h") > 0
    assert exceeded(line, scope={"issue": "grow"}, limit=1, window="24h", per="group") == 0
    line.shown(START + HOUR, "one", "receipt")
    assert exceeded(line, scope={"issue": "grow"}, limit=1, window="24h", per="group") > 0


def test_a_late_confirmation_is_the_channels_excess_not_the_servers() -> None:
    line = Timeline()
    line.outcome(line.decide(START, "one"), "one", "impression", START + 3 * HOUR, late=True)
    line.shown(START + 4 * HOUR, "two")
    assert exceeded(line, limit=1, window="24h") == 0


def test_what_is_told_of_a_late_contact_afterwards_does_not_make_it_one_in_time() -> None:
    line = Timeline()
    first = line.decide(START, "one")
    line.outcome(first, "one", "not_shown", START)
    line.shown(START + HOUR, "one")
    line.outcome(first, "one", "accept", START + HOUR, late=True)
    line.outcome(first, "one", "click", START + HOUR)
    assert exceeded(line, limit=1, window="24h") == 0


def test_an_exclusive_pair_within_its_window_is_found() -> None:
    line = Timeline()
    line.shown(START, "one")
    line.shown(START + DAY, "two")
    assert exceeded(line, exclusive=["one", "two"], window="3d") > 0
    assert exceeded(line, exclusive=["one", "two"], window="1d") == 0


@pytest.mark.parametrize(("apart", "broken"), [(DAY - timedelta(milliseconds=1), True), (DAY, False)])
def test_a_contact_during_a_rest_is_found(apart: timedelta, broken: bool) -> None:
    rest = {"scope": {"group": "a"}, "after": {"outcome": "dismiss", "count": 2, "window": "2d"}, "rest": "24h"}
    line = Timeline()
    decision = line.shown(START, "one")
    line.outcome(decision, "one", "dismiss", START)
    line.shown(START + HOUR, "one")
    assert exceeded(line, **rest, per="action") == 0
    line.outcome(decision, "one", "dismiss", START + HOUR)
    line.shown(START + HOUR + apart, "two")
    assert exceeded(line, **rest) == 0
    line.shown(START + HOUR + apart, "one")
    assert bool(exceeded(line, **rest, per="action")) is broken


@pytest.mark.parametrize(("bought", "broken"), [(["DAIRY"], True), (["MEAT"], False), (None, False)])
def test_a_contact_during_a_rest_after_an_event_is_found(bought: list[str] | None, broken: bool) -> None:
    line = Timeline()
    line.event(START, "basket", {"departments": bought} if bought else {})
    line.shown(START + HOUR, "one")
    when = "'DAIRY' in event.properties.departments"
    assert bool(exceeded(line, after={"event": "basket", "when": when}, rest="3d")) is broken


def test_what_never_comes_after_another_is_found_and_the_other_way_round_is_fine() -> None:
    never = {"never": "one", "after": {"action": "two"}, "window": "2d"}
    line = Timeline()
    line.decide(START, "one", "two")
    assert exceeded(line, **never) == 0
    line.decide(START + HOUR, "one")
    assert exceeded(line, **never) == 1
    line = Timeline()
    line.decide(START, "two", "one")
    assert exceeded(line, **never) == 1


def test_budgets_are_counted_by_local_day_and_by_acceptance() -> None:
    line = Timeline()
    midnight = datetime(2017, 10, 5, 4, tzinfo=UTC)
    for at in (midnight - HOUR, midnight):
        decision = line.shown(at, "one")
        line.outcome(decision, "one", "accept", at)
        line.outcome(decision, "one", "accept", at)
    shop = catalog([])
    recounter = Recounter(shop)
    recounter.add(line.newest_first())
    books = [{"id": "letters", "cap": 1, "spent": 1, "held": 0}, {"id": "coupons", "cap": 1, "spent": 1, "held": 0}]
    assert overspent(shop, books, recounter.result, unfunded=0) == {"coupons": 1}
    assert overspent(shop, books, recounter.result, unfunded=1) == {}
    line.shown(midnight + HOUR, "two")
    again = Recounter(shop)
    again.add(line.newest_first())
    assert overspent(shop, books, again.result, unfunded=1) == {"letters": 1}
    over = [{"id": "letters", "cap": 1, "spent": 1, "held": 1}]
    assert overspent(shop, over, Recounter(shop).result, unfunded=0) == {"letters": 1}


def test_every_event_of_a_timeline_is_seen() -> None:
    recounter = Recounter(catalog([]))
    recounter.add([{"kind": "event", "id": "b-2", "body": {}}, {"kind": "event", "id": "b-1", "body": {}}])
    assert recounter.result.events == {"b-1", "b-2"}
