"""Treatments with weights: drawn among those that fit and pass, and the factor stands in the probability."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from models.profile.learnt import Exposure


def offer(*treatments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "a", "treatments": [{"placement": "top", "content": {}, **one} for one in treatments], **more}


def seeds(count: int) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in range(count)]


def test_one_of_the_weighted_is_drawn_and_its_share_is_its_probability(make_plan: Any, scene_of: Any) -> None:
    scene = scene_of(make_plan([offer({"id": "one", "weight": 1}, {"id": "plain"}, {"id": "three", "weight": 3})]))
    drawn: Counter[str] = Counter()
    for seed in seeds(2_000):
        (item,) = scene.decide("web", {"top": 1}, seed=seed)["top"]
        drawn[item["treatment"]] += 1
        assert item["selection_probability"] == {"one": 0.25, "three": 0.75}[item["treatment"]]
    assert drawn["one"] == pytest.approx(500, abs=5 * (2_000 * 0.25 * 0.75) ** 0.5)


def test_where_no_weighted_one_fits_the_first_that_fits_is_shown(make_plan: Any, scene_of: Any) -> None:
    scene = scene_of(make_plan([offer({"id": "w", "weight": 5, "when": "false"}, {"id": "first"}, {"id": "second"})]))
    (item,) = scene.decide("web", {"top": 1})["top"]
    assert (item["treatment"], item["selection_probability"]) == ("first", 1.0)


def test_what_has_weight_zero_is_never_shown_and_says_so(make_plan: Any, scene_of: Any) -> None:
    scene = scene_of(make_plan([offer({"id": "never", "weight": 0}, {"id": "plain"})]))
    assert scene.shown("web", {"top": 1}) == []
    entry = scene.why("a")
    assert (entry["removed_by"], entry["detail"]) == ("treatment", "the treatments that fit have weight 0")


def test_a_weighted_treatment_that_a_policy_refuses_or_no_budget_pays_leaves_the_draw(
    make_plan: Any, scene_of: Any
) -> None:
    plan = make_plan(
        [offer(
            {"id": "seen", "weight": 8}, {"id": "dear", "weight": 8, "budget": {"id": "pool", "units": 3}},
            {"id": "left", "weight": 1}, {"id": "right", "weight": 3},
        )],
        contact_policies=[{"id": "once", "scope": {"treatment": "seen"}, "limit": 1, "window": "24h"}],
        budgets=[{"id": "pool", "unit": "u", "cap": 9}],
    )
    scene = scene_of(plan)
    scene.contact("a", "seen", scene.now_ms - 60_000)
    scene.free["pool"] = 2
    shown = {
        item["treatment"]: item["selection_probability"]
        for seed in seeds(60) for item in scene.decide("web", {"top": 1}, seed=seed)["top"]
    }
    assert shown == {"left": 0.25, "right": 0.75}


def test_an_action_whose_last_weighted_treatment_is_dry_falls_at_its_budget(make_plan: Any, scene_of: Any) -> None:
    costly = {"budget": {"id": "pool", "units": 1}}
    plan = make_plan(
        [offer({"id": "one", "weight": 1, **costly}, {"id": "two", "weight": 1, **costly})],
        budgets=[{"id": "pool", "unit": "u", "cap": 9}],
    )
    scene = scene_of(plan)
    scene.free["pool"] = 0
    assert scene.shown("web", {"top": 1}) == []
    assert (scene.why("a")["removed_by"], scene.why("a")["rule"]) == ("budget", "pool")


def test_customers_of_other_variants_do_not_share_their_treatments(make_plan: Any, scene_of: Any) -> None:
    """What the gates leave is kept for the next customer, but not for one whose treatments weigh otherwise."""
    plan = make_plan(
        [offer({"id": "one", "weight": 1}, {"id": "two", "weight": 0})],
        experiments=[{
            "id": "look", "share": 1.0, "metric": "accepts", "observe": "7d",
            "variants": [{"id": "old", "weight": 1}, {"id": "new", "weight": 1, "treatments": {"one": 0, "two": 1}}],
        }],
    )
    for variant, treatment in (("old", "one"), ("new", "two"), ("old", "one")):
        scene = scene_of(plan)
        scene.profile.experiments["look"] = Exposure(variant, scene.now_ms, scene.now_ms + 1, False, 0, 0)
        assert scene.decide("web", {"top": 1})["top"][0]["treatment"] == treatment
