"""What scorers of targets may read, the rows that ask them, and the values that their numbers mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from unit.scoring.scoring_catalog import catalog

from models.catalog.check import check_data
from models.catalog.plan import Plan
from models.scoring.matrix import Layout
from models.scoring.targets import Question, refusals, target_features

TARGETS: list[dict[str, Any]] = [
    {"id": "churn_risk", "predict": "none", "event": "visit"},
    {"id": "worth", "predict": "sum", "event": "visit", "field": "total"},
    {"id": "next_visit", "predict": "days", "event": "visit", "within": "14d"},
    {"id": "best_hour", "predict": "hour", "event": "visit"},
    {"id": "best_channel", "predict": "channel", "outcome": "click"},
]


@pytest.fixture
def plan() -> Plan:
    return check_data({**catalog(), "targets": TARGETS})


def question(plan: Plan, target: str, features: tuple[str, ...] = ()) -> Question:
    known = plan.targets[target]
    return Question(known, Layout(features or target_features(known, plan), plan), plan)


def manifest(plan: Plan, target: str) -> dict[str, Any]:
    known = plan.targets[target]
    return {"target": target, "objective": known.objective, "features": target_features(known, plan)}


def values(question: Question, *scores: float) -> list[float | str]:
    return question.values(np.array(scores, np.float32))


def test_a_target_reads_the_customer_and_the_options_that_it_tells_apart(plan: Plan) -> None:
    own = ("profile.visits_7d", "attribute.age", "attribute.staff")
    assert target_features(plan.targets["worth"], plan) == own
    assert target_features(plan.targets["best_hour"], plan) == (*own, "time.hour")
    assert target_features(plan.targets["best_channel"], plan) == (*own, "channel.web", "channel.app")
    for id_ in plan.targets:
        assert refusals(manifest(plan, id_), plan) == []


@pytest.mark.parametrize(("target", "changes", "reason"), [
    ("worth", {"target": "wrth"}, "no target 'wrth'; known: churn_risk, worth"),
    ("worth", {"objective": "probability"}, "predicts a probability, and target 'worth' is a number"),
    ("worth", {"features": ("profile.gone",)}, "no feature 'gone'"),
    ("worth", {"features": ("score.churn_risk",)}, "reads nothing but profile., attribute."),
    ("worth", {"features": ("profile.visits_7d", "time.hour")}, "'time.hour': the scorer of a target reads nothing"),
    ("churn_risk", {"features": ("profile.visits_7d", "action.value")}, "'action.value'"),
    ("best_hour", {"features": ("profile.visits_7d",)}, "does not tell one hour from another: it lacks 'time.hour'"),
    ("best_channel", {"features": ("attribute.age",)}, "does not tell one channel from another"),
])
def test_a_scorer_that_cannot_predict_its_target_is_refused(
    plan: Plan, target: str, changes: dict[str, Any], reason: str
) -> None:
    assert reason in " ".join(refusals(manifest(plan, target) | changes, plan))


def test_a_customer_is_asked_about_once_or_once_for_each_option(plan: Plan) -> None:
    records: list[dict[str, Any]] = [{"visits_7d": 3.0, "age": 40.0}, {"staff": True, "scores": {"worth": 9.0}}]
    rows = question(plan, "worth").rows(records, 0)
    assert rows[:, 0].tolist()[:1] == [3.0]
    assert rows.shape == (2, 3)
    hours = question(plan, "best_hour").rows(records, 12_345)
    assert hours.shape == (48, 4)
    assert hours[:, 3].tolist() == [*range(24), *range(24)]
    assert set(hours[:24, 1].tolist()) == {40.0}
    ways = question(plan, "best_channel")
    assert ways.options == ("app", "web")
    assert ways.rows(records, 0)[:, 3:].tolist() == [[0.0, 1.0], [1.0, 0.0]] * 2
    assert question(plan, "best_hour").rows([], 0).shape == (0, 4)


def test_columns_that_the_scorer_does_not_read_are_not_filled(plan: Plan) -> None:
    ways = question(plan, "best_channel", ("channel.app",))
    assert ways.rows([{}], 0).tolist() == [[1.0], [0.0]]


def test_chances_and_numbers_keep_their_digits_and_stay_in_their_bounds(plan: Plan) -> None:
    assert values(question(plan, "churn_risk"), 0.123456, -0.1, 1.2, 0.00004) == [0.1235, 0.0, 1.0, 0.0]
    assert values(question(plan, "worth"), 1234.56, -0.000012345, 0.0, -7.0) == [1235.0, -1.234e-05, 0.0, -7.0]
    assert values(question(plan, "next_visit"), 3.14159, -2.0, 99.0) == [3.142, 0.0, 14.0]
    assert str(values(question(plan, "worth"), -0.0)[0]) == "0.0"


def test_the_best_option_wins_and_of_equals_the_smaller(plan: Plan) -> None:
    scores = np.zeros(48, np.float32)
    scores[[7, 19]] = 0.5
    scores[24 + 23] = 0.1
    assert question(plan, "best_hour").values(scores) == [7.0, 23.0]
    assert question(plan, "best_hour").values(np.zeros(24, np.float32)) == [0.0]
    assert values(question(plan, "best_channel"), 0.1, 0.2, 0.3, 0.3) == ["web", "app"]
