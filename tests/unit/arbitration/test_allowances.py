"""What policies still allow is what the judge of decisions refuses, for whatever was shown to a customer."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from simulation.catalog import plan as simulated

from models import limits
from models.arbitration.allowances import allowances
from models.arbitration.contact_policy import ContactJudge
from models.arbitration.holds import treatment_value_per
from models.arbitration.index import index_for
from models.catalog.plan import Action, Plan, Treatment
from models.profile.state import CONFIRMED, FALLBACK, HELD, RELEASED, Profile

HOUR, DAY = limits.HOUR_MS, limits.DAY_MS


def told(scene: Any) -> list[dict[str, Any]]:
    return allowances(scene.profile, index_for(scene.plan), scene.now_ms)


def of(scene: Any, policy: str) -> list[dict[str, Any]]:
    return [entry for entry in told(scene) if entry["policy"] == policy]


def test_a_customer_whom_nobody_contacted_may_have_everything_and_every_policy_says_so(scene: Any) -> None:
    entries = told(scene)
    assert [entry["policy"] for entry in entries] == [policy.id for policy in scene.plan.policies]
    assert not any(entry["refuses"] or entry["next_free"] or entry["used"] for entry in entries)
    assert {entry["kind"] for entry in entries} == {"limit", "rest", "exclusive", "never_after"}


def test_a_limit_says_how_much_is_used_for_whom_and_when_the_next_is_free(scene: Any) -> None:
    scene.contact("dairy_coupon", "dairy_hero", scene.now_ms - 2 * DAY)
    assert [(entry["what"], entry["used"], entry["refuses"]) for entry in of(scene, "coupon_rest")] == [
        (None, 0, False), ("dairy_coupon", 1, False),
    ]
    scene.contact("dairy_coupon", "dairy_receipt", scene.now_ms - DAY)
    assert of(scene, "coupon_rest")[1] == {
        "policy": "coupon_rest", "kind": "limit", "channel": None, "per": "action", "what": "dairy_coupon", "limit": 2,
        "used": 2, "window": "7d", "next_free": "2026-03-10T18:00:00Z", "refuses": True,
        "detail": "2 of 2 used, next free 2026-03-10T18:00:00Z",
    }


def test_a_policy_of_one_channel_names_it_and_one_of_several_does_not(scene: Any) -> None:
    channels = {entry["policy"]: entry["channel"] for entry in told(scene)}
    assert channels["one_push_a_day"] == "push"
    assert channels["three_a_day"] is None


def test_of_two_that_exclude_each_other_each_is_held_back_by_the_other(scene: Any) -> None:
    scene.contact("dairy_coupon", "dairy_hero", scene.now_ms - HOUR)
    assert [(entry["what"], entry["refuses"]) for entry in of(scene, "not_both")] == [
        (None, True), ("dairy_coupon", False),
    ]


def test_a_full_ledger_is_told_as_the_refusal_that_it_is(scene: Any) -> None:
    for number in range(limits.CONTACTS_PER_CUSTOMER_MAX):
        scene.contact("dairy_coupon", "dairy_hero", scene.now_ms - number)
    assert told(scene)[-1]["policy"] == "ledger"
    assert told(scene)[-1]["refuses"]


def _lived(scene: Any, rng: random.Random) -> Profile:
    """A customer with contacts of every state, outcomes and marks of events, as chance has it."""
    plan, now_ms = scene.plan, scene.now_ms
    for _ in range(rng.randrange(12)):
        action = rng.choice([one for one in plan.actions if not one.fallback])
        treatment = rng.choice(action.treatments)
        state = rng.choice([CONFIRMED, CONFIRMED, HELD, RELEASED, FALLBACK])
        at_ms = now_ms - rng.randrange(5 * HOUR)
        outcomes = tuple((rng.choice(["reject", "click", "none"]), at_ms + rng.randrange(HOUR)) for _ in range(2))
        scene.contact(action.id, treatment.id, at_ms, state=state, outcomes=outcomes if rng.random() < 0.5 else ())
    for policy in plan.policies:
        if getattr(policy, "event", "") and rng.random() < 0.5:
            scene.profile.marks[policy.id] = (now_ms - rng.randrange(2 * HOUR),)
    lived: Profile = scene.profile
    return lived


def _first_refusal(
    entries: list[dict[str, Any]], plan: Plan, action: Action, treatment: Treatment
) -> tuple[str, str] | None:
    """As a reader of the answer would find it."""
    index = index_for(plan)
    for place, policy in enumerate(plan.policies):
        scope = getattr(policy, "scope", None)
        concerned = place in index.in_channel[treatment.channel] and bool(index.reach[place][action.index])
        if not concerned or (scope is not None and scope.treatment not in ("", treatment.id)):
            continue
        mine = {
            entry["what"]: entry for entry in entries
            if entry["policy"] == policy.id and entry["channel"] in (None, treatment.channel)
        }
        per = next(iter(mine.values()))["per"] or ""
        value = treatment_value_per(treatment, action.id, action.group, action.issue, per)
        entry = mine.get(value or None, mine[None])
        if entry["refuses"]:
            return policy.id, entry["detail"]
    return None


@pytest.mark.parametrize("seed", range(40))
def test_an_entry_refuses_exactly_what_the_judge_refuses_and_in_the_same_words(seed: int, scene_of: Any) -> None:
    rng, plan, now_ms = random.Random(seed), simulated(), 1_767_225_600_000 + seed * HOUR
    profile = _lived(scene_of(plan, now_ms), rng)
    entries = allowances(profile, index_for(plan), now_ms)
    everybody = np.ones(len(plan.actions), np.bool_)
    for channel in plan.channels.values():
        judge = ContactJudge(index_for(plan), channel, profile, now_ms, everybody, 1)
        for action in plan.actions:
            for treatment in action.treatments:
                if treatment.channel != channel.id or action.fallback:
                    continue
                refused = judge.refusal(action, treatment)
                expected = None if refused is None else (refused[0], refused[1]())
                assert _first_refusal(entries, plan, action, treatment) == expected
