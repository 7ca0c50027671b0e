"""What a fact says of every action: the gate that removed it and the rule, as an explanation has them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from simulation.fates import explained, fates_told
from unit.turn.golden import Playing

from models import limits
from models.arbitration import fates
from models.arbitration.preparation import GATES, GATES_PREPARED
from models.profile.facts import Decided, from_wire, to_wire
from models.turn.replay import Fold, Replayed
from models.turn.shard_state import ShardState


def told(scene: Any) -> dict[str, tuple[str, str | None]]:
    """The fates of the last decision, which are those of its explanation."""
    found = fates_told(scene.plan, fates.made(scene.preparation, scene.verdict))
    assert found == explained(scene.explain())
    return found


def replayed(shard: Any) -> list[Replayed]:
    fold = Fold(ShardState(0), {})
    return [
        met for row in shard.rows()
        for met in fold.row(row.now_ms, row.shard_facts, [(who, at, facts) for who, at, _, facts in row.segments])
    ]


def test_the_codes_are_places_of_the_gates() -> None:
    named = (fates.CONTACT_POLICY, fates.BUDGET, fates.RANKED, fates.CHOSEN)
    assert [GATES[code] for code in named] == ["contact_policy", "budget", "ranked", "chosen"]
    assert fates.BUDGET == GATES_PREPARED
    assert max(limits.CONTACT_POLICIES_MAX, limits.BUDGETS_MAX) < fates.FALLBACK >> 4


def test_the_packaged_catalog_says_who_fell_where(scene: Any) -> None:
    scene.decide("web", {"home_hero": 1, "home_strip": 3}, exclude=["ask_feedback"])
    found = told(scene)
    assert found["ask_feedback"] == ("request", None)
    assert {gate for gate, _ in found.values()} >= {"request", "eligibility", "applicability"}


@pytest.mark.parametrize("seed", [1, 4, 7, 17, 23, 31])
def test_generated_shards_log_what_their_explanations_say(seed: int) -> None:
    playing = Playing(seed)
    playing.play()
    met = [(one, one.reexecute()) for one in replayed(playing.shard)]
    assert met
    for one, again in met:
        assert again.equals(one.fact)
        assert fates_told(one.plan, one.fact.fates) == explained(again.explanation)


def shows(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "treatments": [{"id": f"{name}_top", "placement": "top", "content": {}}], **more}


def test_the_policy_that_refused_first_is_named_and_so_is_the_dry_budget(make_plan: Any, scene_of: Any) -> None:
    scene = scene_of(make_plan(
        [shows("a", value=3.0), shows("b", budget={"id": "second", "units": 1}), shows("c", value=2.0)],
        budgets=[{"id": name, "unit": "coupon", "cap": 5} for name in ("first", "second")],
        contact_policies=[
            {"id": "wide", "limit": 9, "window": "7d"},
            {"id": "narrow", "scope": {"action": "a"}, "limit": 1, "window": "7d"},
            {"id": "too", "limit": 1, "window": "7d", "per": "action"},
        ],
    ))
    scene.contact("a", "a_top", scene.now_ms - 1_000)
    scene.free["second"] = 0
    scene.decide("web", {"top": 1})
    assert told(scene) == {"a": ("contact_policy", "narrow"), "b": ("budget", "second"), "c": ("chosen", None)}
    scene.free["second"] = 9
    scene.decide("web", {"top": 1})
    assert told(scene)["b"] == ("ranked", None)


def test_a_full_ledger_refuses_as_no_policy(make_plan: Any, scene_of: Any) -> None:
    scene = scene_of(make_plan([shows("a")]))
    for _ in range(limits.CONTACTS_PER_CUSTOMER_MAX):
        scene.contact("a", "a_top", scene.now_ms - 1_000)
    scene.decide("web", {"top": 1})
    assert told(scene) == {"a": ("contact_policy", "ledger")}


def test_an_action_refused_in_one_placement_and_admitted_in_another_is_not_refused(
    make_plan: Any, scene_of: Any
) -> None:
    both = shows("a")
    both["treatments"].append({"id": "a_side", "placement": "side", "content": {}})
    policy = {"id": "one", "scope": {"treatment": "a_top"}, "limit": 1, "window": "7d"}
    scene = scene_of(make_plan([both], contact_policies=[policy]))
    scene.contact("a", "a_top", scene.now_ms - 1_000)
    scene.decide("web", {"top": 1, "side": 1})
    assert told(scene) == {"a": ("chosen", None)}
    scene.decide("web", {"top": 1})
    assert told(scene) == {"a": ("contact_policy", "one")}


def test_other_fates_are_another_decision() -> None:
    playing = Playing(4)
    playing.play()
    met = replayed(playing.shard)[0]
    forged = dataclasses.replace(met.fact, fates=bytes(len(met.fact.fates)))
    assert met.reexecute().equals(met.fact)
    assert not met.reexecute().equals(forged)


def test_a_fact_of_an_older_writer_has_no_fates() -> None:
    playing = Playing(4)
    playing.play()
    wire = to_wire(replayed(playing.shard)[0].fact)
    older = from_wire(wire[:-2])
    assert isinstance(older, Decided)
    assert older.fates == b""
    assert not len(fates.read(older.fates))
