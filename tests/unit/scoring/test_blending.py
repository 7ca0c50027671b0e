"""How far a scorer is believed: exact at both ends, by counts in between, backed off from action to group to issue."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.scoring.scoring_catalog import catalog

from models.catalog.check import check_data
from models.catalog.plan import Plan
from models.coordination.messages import Count
from models.scoring.blending import Learnt, blended, trust, weights
from models.scoring.evidence import Evidence

PROBABILITIES = st.lists(st.floats(0.0, 1.0, width=32), min_size=1, max_size=20)
ROWS = st.integers(0, 10**12)
BLENDS = st.floats(1e-300, 1e9)


def weight(rows: int, group: int, issue: int, contacts: int, blend: float) -> float:
    learnt = Learnt(np.array([float(rows)]), np.array([float(group)]), np.array([float(issue)]))
    return float(weights(learnt, np.array([float(contacts)]), blend)[0])


@pytest.fixture(scope="module")
def plan() -> Plan:
    return check_data(catalog())


def test_a_scorer_weighs_half_where_it_learnt_from_as_many_rows_as_the_blend_says() -> None:
    assert weight(200, 0, 0, 0, 200.0) == 0.5
    assert weight(1_800, 0, 0, 0, 200.0) == 0.9


def test_of_the_rows_that_lack_it_has_the_share_that_group_and_issue_taught_it() -> None:
    assert weight(0, 200, 0, 0, 200.0) == 0.5
    assert weight(0, 0, 200, 0, 200.0) == 0.5
    assert weight(0, 200, 200, 0, 200.0) == 0.75
    assert weight(200, 200, 200, 0, 200.0) == pytest.approx((1 + 0.75) / 2)
    assert weight(0, 200, 200, 200, 200.0) == pytest.approx(0.75 / 2)
    assert weight(200, 200, 200, 600, 200.0) == pytest.approx((1 + 0.75 / 4) / 2)


@given(ROWS, ROWS, ROWS, ROWS, BLENDS)
def test_a_weight_is_a_share(rows: int, group: int, issue: int, contacts: int, blend: float) -> None:
    assert 0.0 <= weight(rows, group, issue, contacts, blend) <= 1.0


@given(ROWS, ROWS, ROWS, ROWS, BLENDS, st.integers(1, 10**12))
def test_a_scorer_weighs_more_the_more_it_learnt_and_less_the_more_is_counted(
    rows: int, group: int, issue: int, contacts: int, blend: float, more: int
) -> None:
    now = weight(rows, group, issue, contacts, blend)
    slack = 1e-12  # of rounding
    assert weight(rows + more, group, issue, contacts, blend) >= now - slack
    assert weight(rows, group + more, issue, contacts, blend) >= now - slack
    assert weight(rows, group, issue + more, contacts, blend) >= now - slack
    assert weight(rows, group, issue, contacts + more, blend) <= now + slack


@given(ROWS, BLENDS)
def test_where_a_scorer_knows_neither_action_nor_group_nor_issue_it_weighs_nothing(contacts: int, blend: float) -> None:
    assert weight(0, 0, 0, contacts, blend) == 0.0


@given(ROWS)
def test_what_a_scorer_learnt_elsewhere_fades_as_an_action_has_outcomes_of_its_own(contacts: int) -> None:
    assert weight(0, 10**9, 10**9, contacts, 200.0) == pytest.approx(200 / (200 + contacts), abs=1e-6)


def test_without_a_blend_or_without_counts_a_scorer_is_believed_everywhere(plan: Plan) -> None:
    told: dict[str, Any] = {"actions": {plan.actions[0].id: 5}}
    assert trust(Learnt.of(plan, told), plan, Evidence(), 0.0) is None
    assert Learnt.of(plan, {}) is None
    assert Learnt.of(plan, {"actions": {}, "groups": {plan.actions[0].group: 7}}) is None
    assert trust(None, plan, Evidence(), 200.0) is None


def test_rows_are_those_of_each_action_its_group_and_its_issue(plan: Plan) -> None:
    known = plan.actions[0]
    learnt = Learnt.of(plan, {
        "actions": {known.id: 3, "gone": 9}, "groups": {known.group: 40, "gone": 9}, "issues": {known.issue: 500},
    })
    assert learnt is not None
    assert learnt.actions.tolist() == [3.0 * (one.id == known.id) for one in plan.actions]
    assert learnt.groups.tolist() == [40.0 * (one.group == known.group) for one in plan.actions]
    assert learnt.issues.tolist() == [500.0 * (one.issue == known.issue) for one in plan.actions]


def test_weights_are_worked_out_once_for_each_version_of_the_evidence(plan: Plan) -> None:
    first = plan.actions[0].id
    learnt = Learnt.of(plan, {"actions": {first: 100}, "groups": {plan.actions[0].group: 100}})
    other = Learnt.of(plan, {"actions": {first: 300}})
    old = Evidence()
    new = old.with_changes(1, [Count("action", first, 3, 50)])
    before, after = trust(learnt, plan, old, 100.0), trust(learnt, plan, new, 100.0)
    assert before is not None
    assert after is not None
    assert (before[0], after[0]) == (0.75, pytest.approx((1 + 0.5 / 1.5) / 2))
    assert before[1:].tolist() == after[1:].tolist()
    assert trust(learnt, plan, old, 100.0) is before
    assert trust(learnt, plan, new, 100.0) is after
    elsewhere = trust(other, plan, old, 100.0)
    assert elsewhere is not None
    assert elsewhere.tolist() == [0.75, *[0.0] * (len(plan.actions) - 1)]
    tighter = trust(learnt, plan, old, 300.0)
    assert tighter is not None
    assert tighter[0] == (0.25 * 300 + 100) / 400
    with pytest.raises(ValueError, match="read-only"):
        before[0] = 1.0


@given(PROBABILITIES, st.data())
def test_both_ends_are_exact_to_the_bit(scores: list[float], data: st.DataObject) -> None:
    numbers = np.array(scores, np.float32)
    evidence = np.array([data.draw(st.floats(0.0, 1.0)) for _ in scores])
    assert blended(numbers, evidence, np.zeros(len(scores))).tolist() == evidence.tolist()
    assert blended(numbers, evidence, np.ones(len(scores))).tolist() == numbers.astype(np.float64).tolist()
    assert blended(numbers, evidence, None).tolist() == numbers.astype(np.float64).tolist()


@given(PROBABILITIES, st.data())
def test_each_is_blended_as_if_it_were_alone(scores: list[float], data: st.DataObject) -> None:
    numbers = np.array(scores, np.float32)
    evidence = np.array([data.draw(st.floats(0.0, 1.0)) for _ in scores])
    shares = np.array([data.draw(st.floats(0.0, 1.0)) for _ in scores])
    together = blended(numbers, evidence, shares)
    for at in range(len(scores)):
        one = slice(at, at + 1)
        assert blended(numbers[one], evidence[one], shares[one]).tolist() == together[one].tolist()
        assert min(numbers[at], evidence[at]) - 1e-12 <= together[at] <= max(numbers[at], evidence[at]) + 1e-12


def test_where_a_score_is_no_number_the_evidence_decides() -> None:
    scores = np.array([np.nan, np.inf, 1.5, -0.5], np.float32)
    assert blended(scores, np.full(4, 0.1), np.full(4, 0.5)).tolist() == [0.1, 0.1, 0.55, 0.05]
