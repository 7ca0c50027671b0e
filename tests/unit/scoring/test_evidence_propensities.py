"""Evidence: shrunk propensities, versions, and counts that survive repeats."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.coordination import shop

from models.coordination.messages import Count
from models.errors import InvariantBroken
from models.scoring.evidence import Evidence, EvidenceCounts

PLAN = shop.plan()


def of(evidence: Evidence, action: str) -> float:
    return float(evidence.propensities(PLAN)[PLAN.action_index[action]])


def test_without_outcomes_every_action_has_the_prior() -> None:
    assert set(Evidence().propensities(PLAN)) == {PLAN.arbitration.evidence_prior}


def test_each_level_is_the_prior_of_the_next() -> None:
    prior, strength = PLAN.arbitration.evidence_prior, PLAN.arbitration.evidence_strength
    evidence = Evidence(1, {("issue", "grow"): (8, 30), ("group", "coupons"): (5, 10), ("action", "one"): (3, 4)})
    issue = float(f"{(prior * strength + 8) / (strength + 30):.9g}")
    group = float(f"{(issue * strength + 5) / (strength + 10):.9g}")
    assert of(evidence, "five") == float(f"{(group * strength) / strength:.9g}")
    assert of(evidence, "one") == float(f"{(group * strength + 3) / (strength + 4):.9g}")


def test_propensities_are_computed_once_per_plan_and_cannot_be_changed() -> None:
    evidence = Evidence()
    first = evidence.propensities(PLAN)
    assert evidence.propensities(PLAN) is first
    assert evidence.propensities(shop.without_budget("pool")).shape == (3,)
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1.0


def test_changes_lead_from_one_version_to_the_next() -> None:
    old = Evidence(1, {("action", "one"): (1, 2), ("action", "two"): (0, 5)})
    new = Evidence(2, {("action", "one"): (1, 3), ("action", "two"): (0, 5), ("group", "coupons"): (1, 8)})
    changes = new.changes_since(old)
    assert {change.id for change in changes} == {"one", "coupons"}
    assert old.with_changes(2, changes) == new == Evidence.from_wire(new.to_wire())


def test_an_outcome_counts_for_action_group_and_issue() -> None:
    counts = EvidenceCounts()
    counts.add("one", "coupons", "grow", 1, 1)
    counts.add("five", "coupons", "grow", 0, 1)
    assert set(counts.changes_since(0)) == {
        Count("action", "one", 1, 1), Count("action", "five", 0, 1), Count("group", "coupons", 1, 2),
        Count("issue", "grow", 1, 2),
    }


def test_only_what_changed_after_the_mark_is_told() -> None:
    counts = EvidenceCounts()
    counts.add("one", "coupons", "grow", 1, 1)
    mark = counts.mark
    assert counts.changes_since(mark) == ()
    counts.add("one", "coupons", "grow", 0, 0)
    assert counts.mark == mark
    counts.add("five", "coupons", "grow", 0, 1)
    copy = EvidenceCounts.from_wire(counts.to_wire())
    assert {count.id for count in copy.changes_since(mark)} == {"five", "coupons", "grow"}


def test_counts_never_fall() -> None:
    with pytest.raises(InvariantBroken, match="one"):
        EvidenceCounts().add("one", "coupons", "grow", -1, 0)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_propensity_stays_between_never_and_always(accepts: int, refusals: int) -> None:
    evidence = Evidence(1, {("action", "one"): (accepts, accepts + refusals)})
    assert 0.0 < of(evidence, "one") < 1.0
