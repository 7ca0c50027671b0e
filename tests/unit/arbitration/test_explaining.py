"""The explanation says what the contract promises, in its order."""

from __future__ import annotations

from typing import Any

import pytest

from models.arbitration import explaining


def shows(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "treatments": [{"id": f"{name}_top", "placement": "top", "content": {}}], **more}


def test_an_explanation_has_the_fields_of_the_contract_in_its_order(scene: Any) -> None:
    scene.decide("web", {"home_hero": 1, "home_strip": 3}, scores={"ask_feedback": 0.25})
    found = scene.explain()
    assert list(found) == ["decision_id", "time", "versions", "seed", "funnel", "candidates"]
    assert found["versions"] == {"catalog": scene.plan.version, "scorer": "v1", "evidence": "0", "state": 0}
    assert found["seed"] == (b"s" * 16).hex()
    assert scene.why("ask_feedback") == {
        "action": "ask_feedback", "placement": "home_strip", "rank": 1, "propensity": 0.25,
        "propensity_source": "scorer", "scorer_weight": 1.0, "scorer_propensity": 0.25, "evidence_propensity": 0.05,
        "context_weight": 1.0, "value": 0.3, "lever": 1.0, "priority": 0.075,
        "selection_probability": 1.0, "top_features": [],
    }


def test_top_features_are_handed_through(scene: Any) -> None:
    scene.decide("web", {"home_strip": 1})
    found = explaining.explain(scene.preparation, scene.verdict, {"ask_feedback": [("baskets_28d", 0.2)]})
    assert found["candidates"][-1]["top_features"] == [["baskets_28d", 0.2]]


@pytest.mark.parametrize(
    ("rule", "words"),
    [("context.missing == 1", "rule erred: "), ("1 / 0 == 1", "rule erred: "), ("false", "rule is false")],
)
def test_a_rule_that_errs_is_told_from_one_that_is_false(
    make_plan: Any, scene_of: Any, rule: str, words: str
) -> None:
    scene = scene_of(make_plan([shows("a", suitability=rule)]))
    assert scene.shown("web", {"top": 1}) == []
    entry = scene.why("a")
    assert (entry["removed_by"], entry["rule"]) == ("suitability", rule)
    assert entry["detail"].startswith(words)


def test_a_segment_whose_rule_errs_is_named(make_plan: Any, scene_of: Any) -> None:
    scene = scene_of(make_plan(
        [shows("a", eligibility="segments.rich")], attributes=[{"id": "age", "type": "number"}],
        segments=[{"id": "rich", "when": "profile.age > 3.0"}],
    ))
    scene.decide("web", {"top": 1})
    assert "segment 'rich' erred" in scene.why("a")["detail"]


def test_a_treatment_that_does_not_fit_says_which_and_why(make_plan: Any, scene_of: Any) -> None:
    action = shows("a")
    action["treatments"][0]["when"] = "context.x == 1"
    scene = scene_of(make_plan([action]))
    scene.decide("web", {"top": 1})
    entry = scene.why("a")
    assert (entry["removed_by"], entry["rule"]) == ("treatment", "context.x == 1")
    assert entry["detail"].startswith("treatment 'a_top': rule erred")
    scene.decide("web", {"side": 1})
    assert scene.why("a")["detail"] == "no treatment for side"


def test_who_was_simply_not_drawn_has_its_numbers(make_plan: Any, scene_of: Any) -> None:
    scene = scene_of(make_plan([shows("a", value=2.0), shows("b")]))
    assert scene.shown("web", {"top": 1}) == ["a"]
    entry = scene.why("b")
    assert (entry["removed_by"], entry["detail"]) == ("not_chosen", "others took the positions")
    assert (entry["propensity"], entry["priority"]) == (0.05, 0.05)


def test_explaining_changes_nothing(scene: Any) -> None:
    scene.decide("web", {"home_hero": 1, "home_strip": 3})
    before = (dict(scene.verdict.free), scene.verdict.items)
    assert scene.explain() == scene.explain()
    assert (scene.verdict.free, scene.verdict.items) == before
