"""Kept funnels and rankings of whole waves change nothing but the price."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models import limits
from models.arbitration.index import index_for
from models.arbitration.priority import rank, rank_all
from models.catalog.plan import Plan
from models.times import parse_time_ms

HOUR_MS = 3_600_000
RULES: list[dict[str, Any]] = [
    {"id": "plain", "value": 2.0, "treatments": [
        {"id": "p", "placement": "top", "content": {}}, {"id": "p2", "placement": "side", "content": {}},
    ]},
    {"id": "loyal", "value": 3.0, "eligibility": "has(profile.vip) && profile.vip",
     "treatments": [{"id": "l", "placement": "top", "content": {}}]},
    {"id": "early", "value": 4.0, "valid": {"until": "2026-03-05T19:00:00Z"},
     "treatments": [{"id": "e", "placement": "top", "content": {}}]},
]
PARTS: dict[str, Any] = {"attributes": [{"id": "vip", "type": "bool"}]}


def shown(scene: Any, **more: Any) -> list[str]:
    return list(scene.shown("web", {"top": 5}, **more))


def test_decisions_for_which_the_same_holds_share_one_funnel(make_plan: Any, scene_of: Any) -> None:
    plan: Plan = make_plan(RULES, **PARTS)
    assert shown(scene_of(plan)) == shown(scene_of(plan)) == ["early", "plain"]
    assert len(index_for(plan).funnels) == 1


def test_another_standing_placement_or_validity_has_a_funnel_of_its_own(make_plan: Any, scene_of: Any) -> None:
    plan: Plan = make_plan(RULES, **PARTS)
    scene = scene_of(plan)
    assert shown(scene) == ["early", "plain"]
    scene.profile.attributes["vip"] = True
    assert shown(scene) == ["early", "loyal", "plain"]
    assert scene.shown("web", {"side": 1}) == ["plain"]
    scene.now_ms = parse_time_ms("2026-03-05T19:00:00Z") - 1
    assert shown(scene) == ["early", "loyal", "plain"]
    scene.now_ms += 1
    assert shown(scene) == ["loyal", "plain"]


def test_what_a_request_excludes_concerns_that_request_alone(make_plan: Any, scene_of: Any) -> None:
    plan: Plan = make_plan(RULES, **PARTS)
    assert shown(scene_of(plan), exclude=["early"]) == ["plain"]
    assert shown(scene_of(plan)) == ["early", "plain"]
    assert shown(scene_of(plan), exclude=["plain"]) == ["early"]


def test_a_rule_about_the_request_is_asked_for_every_request_and_each_answer_has_a_funnel(
    make_plan: Any, scene_of: Any
) -> None:
    rule = "has(context.page) && context.page == 'home'"
    plan: Plan = make_plan([
        {"id": "asked", "eligibility": rule, "treatments": [{"id": "t", "placement": "top", "content": {}}]},
        {"id": "shown", "treatments": [{"id": "s", "placement": "top", "content": {}, "when": rule}]},
        {"id": "always", "treatments": [{"id": "a", "placement": "top", "content": {}}]},
    ])
    for _ in range(3):
        assert shown(scene_of(plan), context={"page": "home"}) == ["always", "asked", "shown"]
        assert shown(scene_of(plan), context={"page": "cart"}) == ["always"]
    assert len(index_for(plan).funnels) == 2


def test_a_rule_that_only_some_requests_come_to_is_asked_of_all_that_may(make_plan: Any, scene_of: Any) -> None:
    """The second rule is judged only where the first holds; the funnels of one must not serve the other."""
    plan: Plan = make_plan([{
        "id": "a", "eligibility": "context.first", "applicability": "context.second",
        "treatments": [{"id": "t", "placement": "top", "content": {}}],
    }])
    for _ in range(3):
        for first, second in ((False, False), (False, True), (True, False), (True, True)):
            found = shown(scene_of(plan), context={"first": first, "second": second})
            assert found == (["a"] if first and second else [])


def test_what_is_kept_is_bounded_by_its_actions(
    make_plan: Any, scene_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FUNNEL_ACTIONS_KEPT_MAX", 3)
    plan: Plan = make_plan(RULES, **PARTS)
    scene = scene_of(plan)
    for placements in ({"top": 1}, {"side": 1}, {"top": 1, "side": 1}, {"side": 1, "top": 1}):
        scene.shown("web", placements)
        assert len(index_for(plan).funnels) <= 2


def test_a_wave_ranks_every_decision_as_if_it_were_alone(scene_of: Any, grocer: Plan) -> None:
    preparations, scores = [], []
    generator = np.random.default_rng(7)
    for consent in (True, False, True):
        scene = scene_of(grocer)
        scene.profile.attributes["loyal"] = consent
        prepared = scene.prepare("web", {"home_hero": 1, "home_strip": 3}, exclude=[] if consent else ["welcome"])
        preparations.append(prepared)
        own = generator.random(prepared.scored.size, np.float32)
        own[:2] = 0.5
        scores.append(own)
    together = rank_all(preparations, np.concatenate(scores))
    alone = [rank(prepared, own) for prepared, own in zip(preparations, scores, strict=True)]
    assert [list(ranking.values()) for ranking in together] == [list(ranking.values()) for ranking in alone]
    ids = [grocer.actions[action].id for action in alone[0]]
    keys = [(-one.priority, id_) for one, id_ in zip(alone[0].values(), ids, strict=True)]
    assert keys == sorted(keys)
