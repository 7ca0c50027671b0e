"""Ranking, placing and paying: what a decision shows, in which order, and what it holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models import canonical
from models.arbitration import deciding
from models.arbitration.asking import request_problem
from models.errors import InvariantBroken
from models.profile.apply import apply
from models.profile.facts import EventApplied


def shows(name: str, *places: str, **more: Any) -> dict[str, Any]:
    treatments = [{"id": f"{name}_{place}", "placement": place, "content": {"title": name}} for place in places]
    return {"id": name, "treatments": treatments, **more}


def test_the_best_comes_first_and_equal_priorities_go_by_id(make_plan: Any, scene_of: Any) -> None:
    scene = scene_of(make_plan([
        shows("c", "top", value=2.0), shows("b", "top", value=1.0), shows("a", "top", value=1.0),
    ]))
    assert scene.shown("web", {"top": 3}) == ["c", "a", "b"]


def test_the_answer_has_the_fields_of_the_contract_in_its_order(scene: Any) -> None:
    scene.decide("web", {"home_hero": 1, "home_strip": 3})
    body = scene.verdict.body
    assert list(body) == [
        "decision_id", "request_id", "customer_id", "time", "state_version", "catalog_version", "scorer_version",
        "control_group", "degraded", "dry_run", "placements",
    ]
    assert body["placements"] == [
        {"placement": "home_hero", "items": [{
            "rank": 1, "action": "brand_story", "treatment": "brand_hero", "fallback": True,
            "content": {"title": "Fresh since 1931"}, "propensity": None, "priority": None,
            "selection_probability": 1.0, "hold_expires": None,
        }]},
        {"placement": "home_strip", "items": [{
            "rank": 1, "action": "ask_feedback", "treatment": "feedback_strip", "fallback": False,
            "content": {"title": "How are we doing?"}, "propensity": 0.05, "priority": 0.015,
            "selection_probability": 1.0, "hold_expires": "2026-03-05T18:30:00Z",
        }]},
    ]
    assert list(body["placements"][0]["items"][0]) == [
        "rank", "action", "treatment", "fallback", "content", "propensity", "priority", "selection_probability",
        "hold_expires",
    ]


def test_every_requested_placement_appears_even_when_it_stays_empty(scene: Any) -> None:
    assert scene.decide("push", {"push_message": 1}) == {"push_message": []}


def test_an_action_is_shown_once_and_the_placement_asked_first_gets_it(make_plan: Any, scene_of: Any) -> None:
    plan = make_plan([shows("a", "top", "side", value=2.0), shows("b", "top", "side")])
    assert scene_of(plan).shown("web", {"top": 2, "side": 2}) == ["a", "b"]
    answered = scene_of(plan).decide("web", {"side": 1, "top": 2})
    assert [[i["treatment"] for i in items] for items in answered.values()] == [["a_side"], ["b_top"]]


def test_of_the_treatments_of_a_placement_the_first_that_fits_is_shown(make_plan: Any, scene_of: Any) -> None:
    def treatment(id_: str, when: str) -> dict[str, Any]:
        return {"id": id_, "placement": "top", "content": {}, "when": when}

    treatments = [treatment("one", "false"), treatment("two", "context.big"), treatment("three", "true")]
    scene = scene_of(make_plan([{"id": "a", "treatments": treatments}]))
    assert scene.decide("web", {"top": 1}, context={"big": True})["top"][0]["treatment"] == "two"
    assert scene.decide("web", {"top": 1}, context={"big": False})["top"][0]["treatment"] == "three"


def test_a_mandatory_action_outranks_what_is_worth_more(make_plan: Any, scene_of: Any) -> None:
    scene = scene_of(make_plan([shows("rich", "top", value=99.0), shows("must", "top", mandatory=True, value=0.1)]))
    items = scene.decide("web", {"top": 2})["top"]
    assert [item["action"] for item in items] == ["must", "rich"]
    assert items[0]["selection_probability"] == 1.0


def test_priority_multiplies_propensity_context_value_and_lever(make_plan: Any, scene_of: Any) -> None:
    hierarchy = [{"issue": "grow", "lever": 5, "groups": [{"id": "g", "lever": 10}]}]
    factors = {"propensity": 2.0, "context": 1.0, "value": 0.5, "lever": 1.0}
    scene = scene_of(make_plan(
        [shows("a", "top", value=4.0, context_weight="context.w")], hierarchy=hierarchy,
        arbitration={"exploration": {"method": "none"}, "factors": factors},
    ))
    item = scene.decide("web", {"top": 1}, scores={"a": 0.25}, context={"w": 1.5})["top"][0]
    assert item["priority"] == canonical.significant(0.25**2 * 1.5 * 2.0 * 1.15)
    assert item["propensity"] == 0.25
    entry = scene.why("a")
    assert (entry["context_weight"], entry["lever"], entry["propensity_source"]) == (1.5, 1.15, "scorer")


@pytest.mark.parametrize("weight", ["context.missing", "-1.0", "'x'", "1.0 / 0.0"])
def test_an_erring_context_weight_is_one(make_plan: Any, scene_of: Any, weight: str) -> None:
    scene = scene_of(make_plan([shows("a", "top", context_weight=weight)]))
    assert scene.decide("web", {"top": 1}, scores={"a": 0.5})["top"][0]["priority"] == 0.5
    assert scene.why("a")["context_weight"] == 1.0
    assert scene.why("a")["context_weight_error"]


def test_a_score_that_is_no_number_gives_way_to_the_evidence(make_plan: Any, scene_of: Any) -> None:
    scene = scene_of(make_plan([shows("a", "top"), shows("b", "top")]))
    items = scene.decide("web", {"top": 2}, scores={"a": float("nan"), "b": 0.01})["top"]
    assert [(item["action"], item["propensity"]) for item in items] == [("a", 0.05), ("b", 0.00999999978)]


def test_scores_for_other_actions_are_refused(make_plan: Any, scene_of: Any) -> None:
    prepared = scene_of(make_plan([shows("a", "top")])).prepare("web", {"top": 1})
    with pytest.raises(InvariantBroken, match="scores of shape"):
        deciding.resolve(prepared, np.zeros(2, np.float32), False, lambda *_: 0)


def test_an_item_above_pushes_out_what_its_policy_then_refuses(make_plan: Any, scene_of: Any) -> None:
    scene = scene_of(make_plan(
        [shows("a", "top", value=2.0), shows("b", "top", value=1.0)],
        contact_policies=[{"id": "one", "limit": 1, "window": "1d"}],
    ))
    assert scene.shown("web", {"top": 2}) == ["a"]
    entry = scene.why("b")
    assert (entry["removed_by"], entry["rule"]) == ("not_chosen", None)
    assert "one: 1 of 1 used" in entry["detail"]
    assert entry["priority"] == 0.05


def test_exclusive_actions_never_share_a_decision(scene: Any) -> None:
    old = EventApplied("e", "basket", scene.now_ms - 27 * 86_400_000, "pos", {"total": 9.0}, "till")
    scene.profile = apply(scene.profile, old, scene.plan, scene.now_ms)
    assert scene.shown("web", {"home_hero": 1, "home_strip": 3}) == ["come_back", "ask_feedback"]
    assert "not_both" in scene.why("dairy_coupon")["detail"]


BUDGETS = [
    {"id": "pool", "unit": "coupon", "cap": 10}, {"id": "hours", "unit": "minute", "cap": 60, "period": "hour",
                                                  "spend_on": "contact"},
]


def test_an_action_without_free_units_falls_at_the_budget_gate(make_plan: Any, scene_of: Any) -> None:
    scene = scene_of(make_plan([shows("a", "top", budget={"id": "pool", "units": 3})], budgets=BUDGETS))
    scene.free = {"pool": 2}
    assert scene.shown("web", {"top": 1}) == []
    assert scene.why("a")["removed_by"] == "budget"
    assert scene.why("a")["rule"] == "pool"
    assert scene.why("a")["detail"] == "2 coupon free here, 3 needed"
    assert scene.verdict.free == {"pool": 2}
    assert scene.explain()["funnel"]["budget"] == 0


def test_items_above_take_their_units_first(make_plan: Any, scene_of: Any) -> None:
    budget = {"id": "pool", "units": 3}
    scene = scene_of(make_plan(
        [shows("a", "top", value=3.0, budget=budget), shows("b", "top", value=2.0, budget=budget), shows("c", "top")],
        budgets=BUDGETS,
    ))
    scene.free = {"pool": 5}
    assert scene.shown("web", {"top": 3}) == ["a", "c"]
    entry = scene.why("b")
    assert entry["removed_by"] == "not_chosen"
    assert "pool: 2 coupon free here, 3 needed" in entry["detail"]


def test_an_item_holds_units_of_the_actions_budget_and_of_the_treatments(make_plan: Any, scene_of: Any) -> None:
    action = shows("a", "top", budget={"id": "pool", "units": 1})
    action["treatments"][0]["budget"] = {"id": "hours", "units": 6}
    scene = scene_of(make_plan([action], budgets=BUDGETS))
    scene.decide("web", {"top": 1})
    (item,) = scene.verdict.items
    assert item.budgets == (("pool", 1, "", "accept"), ("hours", 6, "hour:2026-03-05T18:00:00Z", "contact"))
    scene.free = {"hours": 5}
    assert scene.shown("web", {"top": 1}) == []


def test_a_dry_treatment_leaves_the_action_its_other_placement(make_plan: Any, scene_of: Any) -> None:
    action = shows("a", "top", "side")
    action["treatments"][0]["budget"] = {"id": "pool", "units": 6}
    scene = scene_of(make_plan([action], budgets=BUDGETS))
    scene.free = {"pool": 5}
    assert [len(items) for items in scene.decide("web", {"top": 1, "side": 1}).values()] == [0, 1]


def test_a_dry_run_names_no_hold(scene: Any) -> None:
    items = scene.decide("web", {"home_strip": 1}, dry_run=True)["home_strip"]
    assert items[0]["action"] == "ask_feedback"
    assert items[0]["hold_expires"] is None


def test_a_fallback_is_not_repeated_and_can_be_excluded(make_plan: Any, scene_of: Any) -> None:
    placements = [
        {"id": place, "channel": "web", "count_max": 2, "fallback": [f"f_{place}"]} for place in ("top", "side")
    ]
    scene = scene_of(make_plan([shows("f", "top", "side", fallback=True)], placements=placements))
    assert scene.shown("web", {"top": 2, "side": 2}) == ["f"]
    assert scene.shown("web", {"top": 1}, exclude=["f"]) == []
    assert scene.verdict.items == ()
    assert scene.explain()["candidates"] == []


def test_exploration_is_drawn_for_each_position_and_its_probability_is_given(make_plan: Any, scene_of: Any) -> None:
    scene = scene_of(make_plan(
        [shows("a", "top", value=2.0), shows("b", "top")],
        arbitration={"exploration": {"method": "epsilon", "share": 0.5}},
    ))
    firsts = [scene.decide("web", {"top": 2}, seed=bytes([n]) * 16)["top"] for n in range(200)]
    assert {(items[0]["action"], items[0]["selection_probability"]) for items in firsts} == {("a", 0.75), ("b", 0.25)}
    assert 25 < sum(items[0]["action"] == "b" for items in firsts) < 80
    assert all(items[1]["selection_probability"] == 1.0 for items in firsts)


def test_the_same_arguments_give_the_same_bytes(scene: Any) -> None:
    scene.decide("web", {"home_hero": 1, "home_strip": 3})
    first = canonical.pack([scene.verdict.body, scene.explain()])
    scene.profile = scene.profile.copy()
    scene.profile.cache = None
    scene.decide("web", {"home_hero": 1, "home_strip": 3})
    assert canonical.pack([scene.verdict.body, scene.explain()]) == first


PROBLEMS = [
    ("fax", {"home_hero": 1}, ["channel"], "unknown channel 'fax'; known: app, call_centre"),
    ("web", {"hero": 1}, ["placements", 0, "id"], "unknown placement 'hero'; known: home_hero, home_strip"),
    ("web", {"home_hero": 1, "email_body": 1}, ["placements", 1, "id"], "belongs to channel 'email', not to 'web'"),
    ("web", {"home_strip": 4}, ["placements", 0, "count"], "count 4 is over count_max 3"),
]


@pytest.mark.parametrize(("channel", "placements", "loc", "msg"), PROBLEMS)
def test_a_request_that_does_not_fit_the_catalog_says_where_and_why(
    scene: Any, channel: str, placements: dict[str, int], loc: list[Any], msg: str
) -> None:
    problem = scene.ask(channel, placements).problem
    assert problem["status"] == 422
    assert problem["request_id"] == "r-1"
    (error,) = problem["errors"]
    assert error["loc"] == loc
    assert msg in error["msg"]


def test_a_placement_asked_twice_is_refused(scene: Any) -> None:
    request = {"request_id": "", "channel": "web", "placements": [{"id": "home_hero", "count": 1}] * 2}
    (error,) = request_problem(scene.plan, request)["errors"]
    assert error["loc"] == ["placements", 1, "id"]


def test_every_fault_of_a_request_is_told_at_once(scene: Any) -> None:
    problem = scene.ask("web", {"hero": 1, "email_body": 1, "home_strip": 9}).problem
    assert [error["loc"][1] for error in problem["errors"]] == [0, 1, 2]
