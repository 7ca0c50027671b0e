"""Contact holds, response windows and units as facts move them, and what time alone does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.profile.building import DAY, T0, born, decided, event, fallback, item, only, outcome, plan

from models import limits
from models.errors import InvariantBroken
from models.profile import features, ledger, timers
from models.profile.apply import apply
from models.profile.facts import Born, Erased, Fact, HoldExpired, ResponseEnded
from models.profile.state import (
    BUDGET_FREED,
    BUDGET_HELD,
    BUDGET_SPENT,
    CONFIRMED,
    FALLBACK,
    HELD,
    RELEASED,
    Contact,
    Profile,
)
from models.profile.validate import validate

HOLD_END = T0 + 1_800_000 + limits.HOLD_GRACE_MS


def after(*facts: Fact, at_ms: int = T0) -> Profile:
    profile = born()
    for fact in facts:
        profile = apply(profile, fact, plan(), at_ms)
        validate(profile, plan(), at_ms)
    return profile


def units(profile: Profile) -> list[str]:
    return [use[4] for use in only(profile).budgets]


def confirmed() -> Profile:
    return after(decided("d1", item()), outcome("d1", "impression", T0, contact="confirm"))


def test_a_decision_holds_contact_and_units() -> None:
    profile = after(decided("d1", item()))
    contact = only(profile)
    assert (contact.state, units(profile)) == (HELD, [BUDGET_HELD])
    assert (contact.channel, contact.direction) == ("web", "inbound")
    assert ledger.is_open(contact, T0)
    assert ledger.is_open(contact, HOLD_END - 1)
    assert not ledger.is_open(contact, HOLD_END)
    assert timers.next_due(profile) == HOLD_END


def test_a_fallback_holds_nothing_and_waits_for_nothing() -> None:
    profile = after(decided("d1", fallback()))
    assert (only(profile).state, only(profile).budgets, timers.next_due(profile)) == (FALLBACK, (), 0)


def test_an_unconfirmed_hold_expires_with_its_units_exactly_at_its_end() -> None:
    profile = after(decided("d1", item()))
    assert timers.due_facts(profile, HOLD_END - 1) == []
    assert timers.due_facts(profile, HOLD_END) == [HoldExpired("d1", "dairy_coupon")]
    profile = apply(profile, HoldExpired("d1", "dairy_coupon"), plan(), HOLD_END)
    assert (only(profile).state, units(profile), timers.next_due(profile)) == (RELEASED, [BUDGET_FREED], 0)


def test_not_shown_releases_contact_and_units() -> None:
    gone = outcome("d1", "not_shown", T0, contact="release", budgets=(("coupon_pool", "release"),))
    profile = after(decided("d1", item()), gone)
    assert (only(profile).state, units(profile), timers.next_due(profile)) == (RELEASED, [BUDGET_FREED], 0)


def test_each_budget_of_an_item_has_a_state_of_its_own() -> None:
    two = item(budgets=(("coupon_pool", 1, "", "accept"), ("agent_minutes", 6, "h", "contact")))
    shown = outcome("d1", "impression", T0, contact="confirm", budgets=(("agent_minutes", "spend"),))
    assert units(after(decided("d1", two), shown)) == [BUDGET_HELD, BUDGET_SPENT]


def test_a_confirmed_contact_keeps_its_units_until_the_response_window_ends_in_silence() -> None:
    profile = confirmed()
    assert (only(profile).state, units(profile)) == (CONFIRMED, [BUDGET_HELD])
    end_ms = T0 + 14 * DAY
    assert timers.next_due(profile) == end_ms
    (fact,) = timers.due_facts(profile, end_ms + 3)
    assert fact == ResponseEnded("d1", "dairy_coupon", True, end_ms, True)
    profile = apply(profile, fact, plan(), end_ms + 3)
    assert (only(profile).ended, only(profile).outcomes[-1], units(profile)) == (True, ("none", end_ms), [BUDGET_FREED])
    assert features.read(profile, plan(), end_ms + 3).record()["silences_30d"] == 1
    assert timers.next_due(profile) == 0


@pytest.mark.parametrize("type_", ["click", "accept", "convert", "reject", "dismiss", "complain"])
def test_a_response_window_with_an_answer_does_not_end_in_silence(type_: str) -> None:
    profile = apply(confirmed(), outcome("d1", type_, T0 + 1), plan(), T0 + 1)
    (fact,) = timers.due_facts(profile, T0 + 14 * DAY)
    assert isinstance(fact, ResponseEnded)
    assert not fact.silent
    profile = apply(profile, fact, plan(), T0 + 14 * DAY)
    assert only(profile).ended
    assert all(kind != "none" for kind, _ in only(profile).outcomes)


def test_an_acceptance_spends_and_nothing_is_released_at_the_end() -> None:
    accept = outcome("d1", "accept", T0, accepted=True, budgets=(("coupon_pool", "spend"),))
    profile = apply(confirmed(), accept, plan(), T0)
    assert (only(profile).accepted, units(profile)) == (True, [BUDGET_SPENT])
    (fact,) = timers.due_facts(profile, T0 + 14 * DAY)
    assert isinstance(fact, ResponseEnded)
    assert not fact.budget_released


def test_timers_come_in_due_order() -> None:
    first = decided("d1", item(hold_expires_ms=T0 + 500))
    second = decided("d2", item(hold_expires_ms=T0 + 100), item("come_back", hold_expires_ms=T0 + 500))
    found = timers.due_facts(after(first, second), HOLD_END)
    assert [(fact.decision_id, fact.action) for fact in found if isinstance(fact, HoldExpired)] == [
        ("d2", "dairy_coupon"), ("d1", "dairy_coupon"), ("d2", "come_back"),
    ]


def test_the_newest_open_contact_wins_over_a_newer_hold() -> None:
    profile = confirmed()
    profile = apply(profile, decided("d2", item(hold_expires_ms=T0 + DAY)), plan(), T0 + 1)
    found = ledger.newest_open(profile, "dairy_coupon", T0 + 2)
    assert found is not None
    assert found.decision_id == "d1"
    later = ledger.newest_open(profile, "dairy_coupon", T0 + 14 * DAY)
    assert later is None
    assert ledger.newest_open(profile, "come_back", T0 + 2) is None


def test_an_open_hold_is_found_where_nothing_is_confirmed() -> None:
    profile = after(decided("d1", item()))
    assert ledger.newest_open(profile, "dairy_coupon", HOLD_END - 1) == only(profile)
    assert ledger.newest_open(profile, "dairy_coupon", HOLD_END) is None


def test_outcomes_are_bounded_and_an_answer_outlives_impressions() -> None:
    profile = apply(confirmed(), outcome("d1", "reject", T0 + 1), plan(), T0 + 1)
    for number in range(100):
        profile = apply(profile, outcome("d1", "impression", T0 + 2 + number), plan(), T0 + 2 + number)
    outcomes = only(profile).outcomes
    assert len(outcomes) == limits.OUTCOMES_PER_CONTACT_MAX
    assert outcomes[0] == ("reject", T0 + 1)
    assert outcomes[-1] == ("impression", T0 + 101)


def test_an_outcome_feeds_the_features_whose_scope_it_meets() -> None:
    profile = after(decided("d1", item(), item("come_back", group="win_back", issue="retain")))
    for action in ("dairy_coupon", "come_back"):
        profile = apply(profile, outcome("d1", "click", T0, action, contact="confirm"), plan(), T0)
    assert features.read(profile, plan(), T0).record()["coupon_clicks_90d"] == 1


def crowd(profile: Profile, count: int, state: str) -> None:
    template = only(after(decided("d", item()), at_ms=T0))
    for number in range(count):
        confirmed_ms = T0 if state == CONFIRMED else 0
        ledger.add(profile, replace(template, decision_id=f"c{number}", state=state, confirmed_ms=confirmed_ms))


def test_a_full_ledger_refuses_and_never_forgets_what_is_needed() -> None:
    profile = born()
    crowd(profile, limits.CONTACTS_PER_CUSTOMER_MAX - 2, HELD)
    assert ledger.has_room(profile, plan(), T0, 2)
    assert not ledger.has_room(profile, plan(), T0, 3)
    ledger.prune(profile, plan(), T0 + 365 * DAY)
    assert len(profile.ledger) == limits.CONTACTS_PER_CUSTOMER_MAX - 2


def test_closed_entries_make_room_once_no_policy_looks_back_at_them() -> None:
    profile = born()
    crowd(profile, limits.CONTACTS_PER_CUSTOMER_MAX, RELEASED)
    profile.ledger = [contact.with_(budgets=()) for contact in profile.ledger]
    kept_ms = max(plan().policy_window_ms, limits.LEDGER_KEPT_MS_MIN)
    last_ms = T0 + 1_800_000 + kept_ms
    assert not ledger.has_room(profile, plan(), last_ms - 1)
    assert ledger.has_room(profile, plan(), last_ms)
    ledger.prune(profile, plan(), last_ms - 1)
    assert len(profile.ledger) == limits.CONTACTS_PER_CUSTOMER_MAX
    ledger.prune(profile, plan(), last_ms)
    assert profile.ledger == []


def test_erasure_leaves_nothing_but_the_generation_and_the_next_customer_begins_at_one() -> None:
    profile = apply(after(decided("d1", item()), event("basket", T0, total=3)), Erased("r"), plan(), T0 + 1)
    assert profile == Profile("", last_ms=T0 + 1, generation=2)
    reborn = apply(profile, Born("hh-1"), plan(), T0 + 2)
    reborn = apply(reborn, event("basket", T0 + 2, total=3), plan(), T0 + 2)
    assert (reborn.generation, reborn.state_version, reborn.consent, reborn.ledger) == (2, 1, {}, [])


def test_a_broken_ledger_is_found() -> None:
    profile = after(decided("d1", item()))
    broken: Contact = only(profile).with_(state=RELEASED)
    profile.ledger[0] = broken
    with pytest.raises(InvariantBroken, match="holds units that nothing will free"):
        validate(profile, plan(), T0)
