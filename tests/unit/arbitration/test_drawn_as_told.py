"""What is drawn against what is told: one real decision under thousands of seeds, and whatever can be made up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from models import limits
from models.arbitration import chances, deciding
from models.arbitration.chances import position_chances
from models.arbitration.choice import METHODS, choose
from models.arbitration.preparation import Preparation
from models.arbitration.priority import rank
from models.catalog.plan import Plan

SEEDS = 2_500
#: (placement, action, treatment) of the items above, in order.
Above = tuple[tuple[str, str, str], ...]


def shown(placement: str, id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "placement": placement, "content": {}, **more}


def busy_actions() -> list[dict[str, Any]]:
    """Some of everything that stands between a candidate and a position."""
    one = {"id": "pool", "units": 1}
    return [
        {"id": "must", "mandatory": True, "value": 0.2, "eligibility": "has(context.due)", "treatments": [
            shown("top", "must_top"), shown("side", "must_side")]},
        {"id": "rich", "value": 5.0, "budget": one, "treatments": [
            shown("top", "rich_a", weight=3), shown("top", "rich_b", weight=1), shown("side", "rich_side")]},
        {"id": "dear", "value": 4.5, "budget": one, "treatments": [
            shown("top", "dear_top"), shown("side", "dear_side")]},
        {"id": "broke", "value": 9.0, "budget": {"id": "empty", "units": 1}, "treatments": [shown("top", "broke_top")]},
        {"id": "tired", "value": 4.0, "group": "rests", "treatments": [shown("top", "tired_top")]},
        {"id": "left", "value": 4.8, "treatments": [
            shown("top", "left_a", weight=1, budget={"id": "frames", "units": 2}), shown("top", "left_b", weight=1),
            shown("top", "left_never", weight=0)]},
        {"id": "right", "value": 4.2, "treatments": [shown("top", "right_top"), shown("side", "right_side")]},
        {"id": "also", "value": 3.9, "treatments": [shown("top", "also_top"), shown("side", "also_side")]},
        {"id": "plain", "value": 3.0, "context_weight": "1.5", "treatments": [
            shown("side", "plain_one", when="false"), shown("side", "plain_two"), shown("top", "plain_top")]},
    ]


def busy_plan(make_plan: Any, method: str) -> Plan:
    made: Plan = make_plan(
        busy_actions(),
        budgets=[{"id": id_, "unit": "u", "cap": 100} for id_ in ("pool", "empty", "frames")],
        contact_policies=[
            {"id": "rests_once", "scope": {"group": "rests"}, "limit": 1, "window": "24h"},
            {"id": "not_both", "exclusive": ["left", "right"], "window": "1h"},
            {"id": "three", "scope": {"channel": "web"}, "limit": 5, "window": "24h"},
        ],
        arbitration={
            "exploration": {"method": method, "gamma": 4.0, "share": 0.6},
            "evidence": {"prior": 0.1, "strength": 20},
        },
    )
    return made


def busy_scene(make_plan: Any, scene_of: Any, method: str, **more: Any) -> tuple[Preparation, Any, Callable[..., int]]:
    scene = scene_of(busy_plan(make_plan, method))
    scene.contact("tired", "tired_top", scene.now_ms - limits.HOUR_MS)
    prepared = scene.prepare("web", {"top": 2, "side": 2}, **more)
    free = {"pool": 1, "empty": 0, "frames": 3}
    return prepared, rank(prepared, None), lambda budget, _: free[budget]


def told_at(prepared: Preparation, free: Callable[..., int], above: Above, placement: str) -> dict[Any, float]:
    """(action, treatment) -> probability, with these items above."""
    ranking, standing = deciding.opening(prepared, None, free)
    actions = prepared.plan.actions
    for _, action, treatment in above:
        known = actions[prepared.plan.action_index[action]]
        standing.put(known, next(one for one in known.treatments if one.id == treatment))
    found = position_chances(prepared, ranking, standing, placement)
    return {(actions[one.action].id, one.treatment.id): one.probability for one in found}


def misfit(prepared: Preparation, ranking: Any, free: Callable[..., int], seeds: int = SEEDS) -> tuple[float, int]:
    """(p-value of the frequencies under what was told, positions that were compared)."""
    told: dict[tuple[Above, str], dict[Any, float]] = {}
    drawn: dict[tuple[Above, str], Counter[Any]] = {}
    for seed in range(seeds):
        prepared.seed = seed.to_bytes(16, "big")
        verdict = deciding.resolve_ranked(prepared, ranking, None, False, free)
        above: Above = ()
        for item in verdict.items:
            key = (above, item.placement)
            if key not in told:
                told[key], drawn[key] = told_at(prepared, free, *key), Counter()
            one = (item.action, item.treatment)
            assert told[key][one] == item.selection_probability
            drawn[key][one] += 1
            above = (*above, (item.placement, *one))
    statistic, freedom, compared = 0.0, 0, 0
    for key, counts in drawn.items():
        total = counts.total()
        expected = {one: total * chance for one, chance in told[key].items()}
        rare = [one for one, times in expected.items() if times < 5.0]
        cells = [(expected[one], counts[one]) for one in expected if one not in rare]
        cells.append((sum(expected[one] for one in rare), sum(counts[one] for one in rare)))
        cells = [cell for cell in cells if cell[0] >= 5.0]
        if len(cells) > 1:
            statistic += sum((seen - times) ** 2 / times for times, seen in cells)
            freedom += len(cells) - 1
            compared += 1
    return (float(chi2.sf(statistic, freedom)) if freedom else 1.0), compared


@pytest.mark.parametrize("method", sorted(METHODS))
def test_items_come_up_as_often_as_they_were_told_given_those_above_them(
    make_plan: Any, scene_of: Any, method: str
) -> None:
    value, compared = misfit(*busy_scene(make_plan, scene_of, method))
    assert value > 1e-3
    assert compared >= (1 if method == "none" else 15)


def test_a_mandatory_action_comes_first_and_the_rest_as_told(make_plan: Any, scene_of: Any) -> None:
    prepared, ranking, free = busy_scene(make_plan, scene_of, "epsilon", context={"due": 1})
    assert told_at(prepared, free, (), "top") == {("must", "must_top"): 1.0}
    assert misfit(prepared, ranking, free, 500)[0] > 1e-3


def lopsided(exploration: Any, priorities: Any, drawn: float, beliefs: Any = None) -> tuple[int, float]:
    """Three percent of all draws go to another than the numbers say."""
    return choose(exploration, priorities, min(drawn * 1.03, 1.0 - 2**-53), beliefs)


def test_draws_that_are_three_percent_off_are_seen(
    make_plan: Any, scene_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chances, "choose", lopsided)
    assert misfit(*busy_scene(make_plan, scene_of, "inverse_gap"), 2 * SEEDS)[0] < 1e-3


def test_treatments_that_are_drawn_without_their_weights_are_seen(
    make_plan: Any, scene_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first(prepared: Any, options: Any, placement: str, rank: int) -> Any:
        return options[0][0], options[0][1] / sum(weight for _, weight in options)

    monkeypatch.setattr("models.arbitration.placing.drawn_treatment", first)
    assert misfit(*busy_scene(make_plan, scene_of, "inverse_gap"), 300)[0] < 1e-6


@st.composite
def any_decision(draw: Any) -> dict[str, Any]:
    """A small catalog, what is free, what was shown before, and a seed."""
    count = draw(st.integers(1, 6))
    actions = []
    for at in range(count):
        treatments = []
        for placement in draw(st.sampled_from([("top",), ("side",), ("top", "side"), ("top", "top")])):
            one = shown(placement, f"a{at}_{len(treatments)}")
            if draw(st.booleans()):
                one["weight"] = draw(st.sampled_from([0, 1, 1, 5]))
            if draw(st.integers(0, 3)) == 0:
                one["budget"] = {"id": "small", "units": draw(st.integers(1, 2))}
            treatments.append(one)
        action: dict[str, Any] = {
            "id": f"a{at}", "value": draw(st.sampled_from([0.0, 1.0, 1.0, 2.5, 40.0])), "treatments": treatments,
            "mandatory": draw(st.integers(0, 5)) == 0, "group": draw(st.sampled_from(["g", "h"])),
        }
        if draw(st.integers(0, 2)) == 0:
            action["budget"] = {"id": "pool", "units": 1}
        actions.append(action)
    return {
        "actions": actions, "positions": {"top": draw(st.integers(1, 3)), "side": draw(st.integers(1, 3))},
        "free": {"pool": draw(st.integers(0, 3)), "small": draw(st.integers(0, 3))},
        "limit": draw(st.integers(1, 3)), "shown_before": draw(st.integers(0, 2)),
        "exploration": {
            "method": draw(st.sampled_from(sorted(METHODS))), "gamma": draw(st.sampled_from([0.0, 5.0, 500.0])),
            "share": draw(st.sampled_from([0.0, 0.1, 1.0])),
        },
        "seed": draw(st.binary(min_size=16, max_size=16)),
        "scores": draw(st.none() | st.lists(st.floats(0.0, 1.0, width=32), min_size=count, max_size=count)),
        "learnt": draw(st.sampled_from([{}, {"a0": 20}, {"a1": 500, "a2": 3}])),
    }


@given(made=any_decision())
@settings(max_examples=60)
def test_whatever_is_decided_was_told_and_no_exploration_breaks_a_promise(
    make_plan: Any, scene_of: Any, made: dict[str, Any]
) -> None:
    scene = scene_of(make_plan(
        made["actions"],
        budgets=[{"id": id_, "unit": "u", "cap": 100} for id_ in ("pool", "small")],
        contact_policies=[
            {"id": "some", "scope": {"group": "g"}, "limit": made["limit"], "window": "24h"},
            *([{"id": "either", "exclusive": ["a0", "a1"], "window": "1h"}] if len(made["actions"]) > 1 else []),
        ],
        hierarchy=[{"issue": "grow", "lever": 0, "groups": [{"id": "g", "lever": 0}, {"id": "h", "lever": 10}]}],
        arbitration={"exploration": made["exploration"], "evidence": {"prior": 0.1, "strength": 5, "blend": 20}},
    ))
    first = made["actions"][0]
    for _ in range(made["shown_before"]):
        scene.contact("a0", first["treatments"][0]["id"], scene.now_ms - limits.HOUR_MS * 2)
    scene.free, scene.learnt = made["free"], made["learnt"]
    ids = [action["id"] for action in made["actions"]]
    scores = made["scores"] and dict(zip(ids, made["scores"], strict=True))
    scene.decide("web", made["positions"], seed=made["seed"], scores=scores)
    prepared, verdict = scene.preparation, scene.verdict
    _walk_as_told(scene, prepared, verdict)
    held: Counter[str] = Counter()
    for item in verdict.items:
        held.update({budget: units for budget, units, _, _ in item.budgets})
    assert all(held[budget] <= made["free"][budget] for budget in held)
    chosen = [item.action for item in verdict.items]
    assert not {"a0", "a1"} <= set(chosen)
    before = made["shown_before"] if first["group"] == "g" else 0
    assert sum(item.group == "g" for item in verdict.items) <= max(0, made["limit"] - before)
    weights = {one["id"]: one.get("weight") for action in made["actions"] for one in action["treatments"]}
    assert all(weights[item.treatment] != 0 for item in verdict.items)


def _walk_as_told(scene: Any, prepared: Preparation, verdict: Any) -> None:
    """At every position: the chances add up to 1, what was chosen was told so, and mandatory ones come first."""
    frozen = None if verdict.scores is None else np.frombuffer(verdict.scores, np.float32)
    ranking, above = deciding.opening(prepared, frozen, lambda budget, _: scene.free[budget])
    actions = prepared.plan.actions
    for asked in prepared.request["placements"]:
        items = [item for item in verdict.items if item.placement == asked["id"]]
        for rank_ in range(asked["count"]):
            told = position_chances(prepared, ranking, above, asked["id"])
            assert bool(told) == (rank_ < len(items))
            if not told:
                break
            assert sum(one.probability for one in told) == pytest.approx(1.0, abs=1e-8)
            assert len({actions[one.action].mandatory for one in told}) == 1
            (hit,) = [
                one for one in told
                if (actions[one.action].id, one.treatment.id) == (items[rank_].action, items[rank_].treatment)
            ]
            assert 0.0 < hit.probability == items[rank_].selection_probability
            above.put(actions[hit.action], hit.treatment)
