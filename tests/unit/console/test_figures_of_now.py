"""The funnel, the acceptance and what flows by: the numbers of the API, made to be read."""

from __future__ import annotations

from typing import Any

from unit.console import told_by_api as api

from cluster.console.views import acceptance, flowing
from cluster.console.views.funnel import funnel, policies
from cluster.console.views.policy_words import policy_words
from models.arbitration.preparation import GATES


def gates(**removed: int) -> list[dict[str, Any]]:
    remaining, rows = 1_000, []
    for gate in GATES:
        remaining -= removed.get(gate, 0)
        rows.append({"gate": gate, "removed": removed.get(gate, 0), "remaining": remaining})
    return rows


def cell(action: str, channel: str, chosen: int, confirmed: int, accepted: int, **more: Any) -> dict[str, Any]:
    return {
        "action": action, "channel": channel, "candidates": 0, "removed": {}, "chosen": chosen, "fallback": 0,
        "confirmed": confirmed, "accepted": accepted, "negative": 0, "value": 0.0,
        "control": {"chosen": 0, "confirmed": 0, "accepted": 0}, **more,
    }


def test_the_bars_lead_from_all_candidates_to_those_that_were_chosen() -> None:
    told = funnel(gates(eligibility=400, contact_policy=500, ranked=0, chosen=60))
    assert told is not None
    assert (told.candidates, told.chosen, told.chosen_share) == (1_000, 40, 0.04)
    assert [bar.gate for bar in told.bars] == [*(g for g in GATES[1:] if g not in ("ranked", "chosen")), "not_chosen"]
    by_gate = {bar.gate: bar for bar in told.bars}
    assert (by_gate["eligibility"].removed, by_gate["eligibility"].left, by_gate["eligibility"].lost) == (400, 0.6, 0.4)
    assert [bar.gate for bar in told.bars if bar.is_steepest] == ["contact_policy"]
    assert sum(bar.removed for bar in told.bars) + told.chosen == told.candidates
    assert all(bar.title != "Removed" for bar in told.bars)


def test_those_that_others_were_chosen_over_are_counted_once_wherever_they_are_told() -> None:
    told = funnel(gates(ranked=60))
    assert told is not None
    assert (told.bars[-1].removed, told.bars[-1].remaining) == (60, 940)


def test_a_funnel_without_candidates_is_none_and_a_new_gate_keeps_its_name() -> None:
    nothing = [{"gate": gate, "removed": 0, "remaining": 0} for gate in GATES]
    assert funnel(nothing) is None
    rows = gates(chosen=1)
    rows.insert(3, {"gate": "weather", "removed": 0, "remaining": 1_000})
    told = funnel(rows)
    assert told is not None
    assert "weather" in [bar.title for bar in told.bars]


def test_every_rate_stands_beside_its_counts_and_the_control_group() -> None:
    held = {"control": {"chosen": 50, "confirmed": 40, "accepted": 4}}
    (told,) = acceptance.acceptances([cell("help", "app", 550, 440, 124, **held)])
    assert (told.chosen, told.confirmed, told.accepted) == (550, 440, 124)
    assert told.others.rate is not None
    assert (told.others.rate.hits, told.others.rate.n, told.others.rate.share) == (120, 400, 0.3)
    assert told.control.rate is not None
    assert (told.control.rate.hits, told.control.rate.n) == (4, 40)
    assert told.lift is not None
    assert round(told.lift.estimate, 9) == 0.2
    assert told.lift.is_clear


def test_an_action_that_nobody_was_offered_is_left_out_and_a_control_group_without_contacts_has_no_lift() -> None:
    cells = [cell("never", "web", 0, 0, 0), cell("b", "web", 9, 5, 1), cell("a", "web", 90, 50, 1)]
    told = acceptance.acceptances(cells)
    assert [one.action for one in told] == ["a", "b"]
    assert told[0].control.rate is None
    assert told[0].lift is None


def test_more_accepted_than_confirmed_is_said_and_has_no_rate() -> None:
    (told,) = acceptance.acceptances([cell("late", "web", 0, 1, 3)])
    assert told.others.rate is None
    assert told.others.is_out_of_step


def test_the_intervals_are_drawn_up_to_a_twentieth_above_the_highest_that_rests_on_enough() -> None:
    few, many = cell("few", "web", 2, 2, 2), cell("many", "web", 900, 900, 90)
    assert acceptance.reach(acceptance.acceptances([few, many])) == 0.15
    assert acceptance.reach(acceptance.acceptances([few])) == 1.0
    assert acceptance.reach(()) == 1.0


def test_contacts_of_an_action_are_summed_over_channels_and_the_rest_is_one_row() -> None:
    cells = [cell("a", "web", 5, 4, 1), cell("a", "app", 5, 1, 0), cell("b", "web", 3, 2, 1), cell("c", "web", 1, 1, 1),
             cell("zero", "web", 0, 0, 0)]
    told = acceptance.contacts(cells, 1)
    rows = [(one.action, one.chosen, one.confirmed, one.accepted) for one in told]
    assert rows == [("a", 10, 5, 1), ("others", 4, 3, 2)]
    assert [one.action for one in acceptance.contacts(cells, 9)] == ["a", "b", "c"]


def test_decisions_flow_newest_first_and_a_hidden_customer_stays_hidden() -> None:
    live = api.live()
    live["recent"][0]["customer_id"] = None
    told = flowing.flowing(live["recent"], 10)
    assert len(told) == 10
    assert [one.decision for one in told] == [one["decision_id"] for one in live["recent"][:10]]
    assert told[0].customer is None
    assert [offer.action for offer in told[1].offers] == [item["action"] for item in live["recent"][1]["items"]]


def test_a_minute_tells_clear_and_degraded_decisions_apart() -> None:
    live = api.live()
    told = flowing.minutes(live["minutes"])
    assert len(told) == 60
    assert all(minute.clear + minute.degraded == minute.decisions for minute in told)
    assert flowing.pulse(live).is_degraded
    assert not flowing.pulse({**live, "degraded_share": None}).is_degraded


def test_minutes_without_anything_are_filled_in_unless_the_clock_jumped() -> None:
    one = api.live()["minutes"][0]
    told = flowing.minutes([one | {"minute": f"2026-11-22T17:{minute:02d}:00Z"} for minute in (3, 6)])
    assert [(minute.time[14:16], minute.decisions) for minute in told] == [
        ("03", one["decisions"]), ("04", 0), ("05", 0), ("06", one["decisions"]),
    ]
    assert len(flowing.minutes([one | {"minute": f"2026-11-{day}T17:00:00Z"} for day in (20, 22)])) == 2
    assert flowing.minutes([]) == ()


def test_policies_that_refuse_most_come_first() -> None:
    told = policies(api.funnel()["policies"])
    assert [one.policy for one in told][:2] == ["one_push_a_day", "coupon_rest"]
    assert told[0].refused_share == 8_801 / (8_801 + 3_004)
    assert told[-1].refused_share is None


def test_each_form_of_a_contact_policy_has_its_sentence() -> None:
    words = policy_words(api.CATALOG["catalog"])
    assert words == {
        "three_a_day": "at most 3 in 24h; direction outbound", "one_push_a_day": "at most 1 in 24h; channel push",
        "coupon_rest": "at most 2 in 7d per action; group coupons",
        "took_no_for_an_answer": "rests 30d after reject per action; group coupons",
        "ignored_thrice": "rests 14d after 3 x no reaction within 30d per group; issue grow",
        "not_both": "only one of dairy_coupon, come_back within 7d",
        "never_after": "never ask_feedback within 2d after action offer_help",
    }
    assert policy_words({}) == {}
