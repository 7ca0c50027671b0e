"""Random histories of one customer: after every fact invariants hold, caches tell the truth, packing loses nothing."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.profile.building import DAY, T0, born, decided, event, fallback, item, outcome, plan

from models import limits
from models.profile import ledger, packing, predicates, timers
from models.profile.apply import apply
from models.profile.facts import AttributesChanged, ConsentChanged, Fact, from_wire, to_wire
from models.profile.state import CONFIRMED, HELD, RELEASED, Profile
from models.profile.validate import validate

GROUPS = {"dairy_coupon": ("coupons", "grow"), "come_back": ("win_back", "retain")}


def some_event(rng: random.Random, now_ms: int) -> Fact:
    at_ms = now_ms - rng.choice([0, 0, 0, 1, 60_000, 3_600_000, 6 * DAY, -60_000, -299_999])
    properties: dict[str, Any] = {
        "total": rng.choice([rng.uniform(-5, 90), 20, 10**17, None, "x", True]),
        "departments": rng.choice([["DAIRY"], ["MEAT", "DAIRY", 7], "DELI", None]), "page": rng.choice(["/", "/a"]),
        "depth": rng.randrange(9),
    }
    type_ = rng.choice(["basket", "basket", "page_view", "error", "cart_abandoned", "unheard_of"])
    marks = ("bought_it",) if type_ == "basket" and rng.random() < 0.3 else ()
    return event(type_, at_ms, marks, **properties)


def some_decision(rng: random.Random, now_ms: int, number: int) -> Fact:
    items = []
    for action in rng.sample(sorted(GROUPS), rng.randint(0, 2)):
        group, issue = GROUPS[action]
        items.append(item(action, group=group, issue=issue, hold_expires_ms=now_ms + rng.choice([1, 600_000])))
    return decided(f"d{number}", *items, *([fallback()] if rng.random() < 0.3 else []))


def some_outcome(rng: random.Random, profile: Profile, now_ms: int) -> Fact | None:
    if not profile.ledger:
        return None
    contact = rng.choice(profile.ledger)
    type_ = rng.choice(["impression", "click", "accept", "reject", "not_shown"])
    at_ms = rng.randint(contact.decided_ms, now_ms)
    confirms = type_ != "not_shown" and contact.state in (HELD, RELEASED)
    releases = type_ == "not_shown" and contact.state == HELD
    effect = {"accept": "spend", "reject": "release", "not_shown": "release"}.get(type_, "")
    first = type_ == "accept" and contact.state != "fallback" and not contact.accepted
    return outcome(
        contact.decision_id, type_, at_ms, contact.action, accepted=first,
        contact="confirm" if confirms else "release" if releases else "",
        budgets=tuple((use[0], effect) for use in contact.budgets) if effect and ledger.holds_units(contact) else (),
    )


def next_fact(rng: random.Random, profile: Profile, now_ms: int, number: int) -> Fact | None:
    kind = rng.random()
    if kind < 0.5:
        return some_event(rng, now_ms)
    if kind < 0.7:
        return some_decision(rng, now_ms, number)
    if kind < 0.9:
        return some_outcome(rng, profile, now_ms)
    if kind < 0.95:
        return AttributesChanged({"employee": rng.choice([True, False, None]), "household_size": rng.choice([2, None])})
    return ConsentChanged({"marketing": rng.random() < 0.5})


def advanced(profile: Profile, now_ms: int) -> Profile:
    """As the turn does: due timers first, one by one, until none is due."""
    while 0 < timers.next_due(profile) <= now_ms:
        for fact in timers.due_facts(profile, now_ms):
            profile = apply(profile, fact, plan(), now_ms)
            validate(profile, plan(), now_ms)
    return profile


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 60))
def test_after_every_fact_the_profile_is_sound_and_survives_packing(seed: int, steps: int) -> None:
    rng = random.Random(seed)
    profile, now_ms = born(), T0
    for number in range(steps):
        now_ms += rng.choice([0, 1, 999, 60_000, 3_600_000, DAY, 15 * DAY])
        profile = advanced(profile, now_ms)
        fact = next_fact(rng, profile, now_ms, number)
        if fact is None:
            continue
        version, before = profile.state_version, packing.pack(profile)
        draft = apply(profile.copy(), fact, plan(), now_ms)
        validate(draft, plan(), now_ms)
        assert packing.pack(profile) == before, "the draft changed what it was copied from"
        validate(profile, plan(), now_ms)
        if rng.random() < 0.2:
            continue
        profile = apply(profile, from_wire(to_wire(fact)), plan(), now_ms)
        assert profile == draft
        assert (profile.state_version, profile.last_ms) == (version + 1, now_ms)
        validate(profile, plan(), now_ms)
        quickly = packing.pack_fast(profile)
        assert packing.compress(quickly) == packing.compress(packing.pack(profile)) == packing.pack(profile)
        again = packing.unpack(rng.choice([quickly, packing.pack(profile)]))
        assert again == profile
        validate(again, plan(), now_ms + rng.choice([0, 1, 60_000, 4 * DAY]))


def test_memory_is_bounded_whatever_happens() -> None:
    rng = random.Random(7)
    profile, now_ms = born(), T0
    for number in range(4_000):
        now_ms += rng.choice([100, 20_000])
        total = rng.uniform(1, 90)
        apply(profile, event("basket", now_ms, ("bought_it",), total=total, departments=[str(number)]), plan(), now_ms)
        if number % 4 == 0:
            apply(profile, decided(f"d{number}", fallback()), plan(), now_ms)
    validate(profile, plan(), now_ms)
    assert len(profile.ledger) == limits.FALLBACKS_PER_CUSTOMER_MAX
    assert len(profile.marks["bought_it"]) == limits.EVENT_MARKS_MAX
    assert len(profile.windows["departments_90d"].seen) == limits.DISTINCT_VALUES_MAX
    assert predicates.standing(profile, plan(), now_ms).view.record()["baskets_28d"] == 4_000
    assert len(packing.pack(profile)) < 40_000


def test_twenty_features_over_fifty_events_pack_under_two_kilobytes() -> None:
    rng = random.Random(3)
    profile, now_ms = born(), T0
    for _ in range(50):
        now_ms += rng.randrange(DAY)
        type_ = rng.choice(["basket", "page_view", "cart_abandoned"])
        properties = {"total": round(rng.uniform(1, 90), 2), "departments": rng.sample("ABCDEFGHIJ", 3), "page": "/"}
        apply(profile, event(type_, now_ms, **properties), plan(), now_ms)
    assert len(plan().features) == 20
    assert len(packing.pack(profile)) < 1_600


def test_a_dropped_draft_cannot_mislead_the_profile_that_it_came_from() -> None:
    profile = apply(born(), event("basket", T0, total=10.0), plan(), T0)
    assert predicates.standing(profile, plan(), T0).segments["spender"] is False
    draft = apply(profile.copy(), event("basket", T0, total=90.0), plan(), T0)
    assert predicates.standing(draft, plan(), T0).segments["spender"] is True
    assert draft.state_version == 2
    other = apply(profile.copy(), event("page_view", T0), plan(), T0)
    assert predicates.standing(other, plan(), T0).segments["spender"] is False
    assert predicates.standing(profile, plan(), T0).view.record()["baskets_28d"] == 1


def test_a_hold_confirmed_late_starts_its_response_window() -> None:
    profile = apply(born(), decided("d1", item()), plan(), T0)
    end_ms = T0 + 1_800_000 + limits.HOLD_GRACE_MS
    profile = advanced(profile, end_ms)
    assert profile.ledger[0].state == RELEASED
    late = outcome("d1", "impression", end_ms + 5, contact="confirm", late=True)
    profile = apply(profile, late, plan(), end_ms + 5)
    assert (profile.ledger[0].state, profile.ledger[0].confirmed_ms) == (CONFIRMED, end_ms + 5)
    assert timers.next_due(profile) == end_ms + 5 + 14 * DAY
