"""The columns that a scorer reads: what fills them, what refuses, and that both ways to fill them agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.scoring.scoring_catalog import catalog

from models.catalog.check import check_data
from models.catalog.plan import Plan
from models.errors import BadInput
from models.scoring.labels import default_features
from models.scoring.manifest import unresolved
from models.scoring.matrix import Layout

#: 2024-03-10 06:30 UTC is a Sunday, half past one in New York, before its clocks go forward; an hour later it is 3:30.
BEFORE_SUMMER_TIME_MS = 1_710_052_200_000
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def plan() -> Plan:
    return check_data(catalog())


def column(layout: Layout, row: Any, name: str) -> float:
    return float(row[layout.features.index(name)])


def test_a_vector_holds_what_is_known_and_nan_for_what_is_not(plan: Plan) -> None:
    layout = Layout(("profile.visits_7d", "attribute.age", "attribute.staff", "channel.web", "channel.app"), plan)
    vector = layout.customer_vector({"visits_7d": 4, "staff": True, "town": "Ghent"}, "app", 0)
    assert vector.dtype == np.float32
    assert vector[[0, 2, 3, 4]].tolist() == [4.0, 1.0, 0.0, 1.0]
    assert np.isnan(vector[1])


def test_hour_and_weekday_are_local_and_follow_summer_time(plan: Plan) -> None:
    layout = Layout(("time.hour", "time.weekday"), plan)
    assert layout.customer_vector({}, "web", BEFORE_SUMMER_TIME_MS).tolist() == [1.0, 6.0]
    assert layout.customer_vector({}, "web", BEFORE_SUMMER_TIME_MS + HOUR_MS).tolist() == [3.0, 6.0]


def test_a_row_is_the_vector_and_then_what_the_action_is(plan: Plan) -> None:
    layout = Layout(default_features(plan), plan)
    vector = layout.customer_vector({"visits_7d": 1}, "web", 0)
    evidence = np.array([0.25, 0.5])
    rows = layout.rows(vector, np.array([1, 0], np.uint16), evidence)
    assert rows.shape == (2, layout.width)
    assert rows[:, : len(vector)].tobytes() == np.stack([vector, vector]).tobytes()
    second, first = rows
    assert [column(layout, first, f"action.{name}") for name in ("value", "evidence")] == [2.0, 0.25]
    assert column(layout, first, "tag.dairy") == 1.0
    assert column(layout, first, "action.lever") == pytest.approx(1.15)
    assert [column(layout, second, name) for name in ("group.coupons", "group.help", "issue.serve")] == [0.0, 1.0, 1.0]
    assert column(layout, second, "action.evidence") == 0.5


@given(picks=st.lists(st.lists(st.integers(0, 1), max_size=4), min_size=1, max_size=6))
def test_stacking_a_wave_gives_the_rows_of_each_decision(picks: list[list[int]]) -> None:
    plan = check_data(catalog())
    layout = Layout(default_features(plan), plan)
    vectors = [layout.customer_vector({"visits_7d": n}, "web", 0) for n in range(len(picks))]
    indexes = [np.array(pick, np.uint16) for pick in picks]
    evidence = np.array([0.1, 0.2])
    apart = [layout.rows(vector, index, evidence) for vector, index in zip(vectors, indexes, strict=True)]
    assert layout.stack(np.stack(vectors), indexes, evidence).tobytes() == np.concatenate(apart).tobytes()


def test_numbers_beyond_single_precision_are_clipped_not_infinite(plan: Plan) -> None:
    vector = Layout(("attribute.age",), plan).customer_vector({"age": -1e300}, "web", 0)
    assert np.isfinite(vector).all()


def test_no_features_at_all_give_rows_without_columns(plan: Plan) -> None:
    layout = Layout((), plan)
    assert layout.rows(layout.customer_vector({}, "web", 0), np.array([0, 1], np.uint16), np.zeros(2)).shape == (2, 0)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("profile.nothing", "no feature 'nothing'"), ("attribute.town", "is a string"), ("tag.x", "no tag 'x'"),
        ("attribute.nobody", "declares no attribute"), ("weather.rain", "no such kind"), ("group.x", "no group"),
        ("channel.fax", "no channel 'fax'"), ("action.third", "no action 'third'"),
    ],
)
def test_a_name_that_the_catalog_cannot_fill_is_refused_with_its_reason(plan: Plan, name: str, reason: str) -> None:
    assert reason in " ".join(unresolved([name], plan))
    with pytest.raises(BadInput, match="does not fit the catalog"):
        Layout([name], plan)


def test_columns_out_of_order_or_twice_are_refused(plan: Plan) -> None:
    assert "stands after" in " ".join(unresolved(["action.value", "time.hour"], plan))
    assert "twice" in " ".join(unresolved(["time.hour", "time.hour"], plan))


def test_the_vectors_of_a_wave_are_those_of_each_customer_alone() -> None:
    plan = check_data(catalog())
    layout = Layout(default_features(plan), plan)
    records: list[dict[str, object]] = [{"visits_7d": 3}, {}, {"visits_7d": 1e300}, {"visits_7d": "many"}]
    channels = ["web", "nowhere", "web", "web"]
    together = layout.customer_vectors(records, channels, 3_600_000)
    apart = [layout.customer_vector(one, at, 3_600_000) for one, at in zip(records, channels, strict=True)]
    assert together.tobytes() == np.stack(apart).tobytes()
    assert layout.customer_vectors([], [], 0).shape == (0, len(layout.customer_features))


def test_a_wave_filled_from_features_and_attributes_is_the_wave_filled_from_records() -> None:
    plan = check_data(catalog())
    layout = Layout(default_features(plan), plan)
    values: list[list[float | None]] = [[3], [None], [1e300]]
    attributes: list[dict[str, object]] = [{"age": 4.5, "staff": True, "town": "Ghent"}, {"town": "7"}, {"age": -1e300}]
    records = [{"visits_7d": own, **known} for (own,), known in zip(values, attributes, strict=True)]
    channels = ["web", "nowhere", "app"]
    filled = layout.wave_vectors(values, attributes, [{}, {}, {}], channels, HOUR_MS)
    assert filled.tobytes() == layout.customer_vectors(records, channels, HOUR_MS).tobytes()
    assert layout.wave_vectors([], [], [], [], 0).shape == (0, len(layout.customer_features))


TARGETS = [
    {"id": "churn_risk", "predict": "none", "event": "visit"},
    {"id": "worth", "predict": "sum", "event": "visit", "field": "total"},
    {"id": "best_channel", "predict": "channel", "outcome": "click"},
]


def test_scores_of_targets_are_customer_columns_and_ids_of_channels_are_none() -> None:
    plan = check_data({**catalog(), "targets": TARGETS})
    assert [name for name in default_features(plan) if name.startswith("score.")] == [
        "score.churn_risk", "score.worth",
    ]
    layout = Layout(("score.worth", "profile.visits_7d", "score.churn_risk", "action.value"), plan)
    assert layout.customer_features == ("score.worth", "profile.visits_7d", "score.churn_risk")
    scores: list[dict[str, float | str]] = [
        {"churn_risk": 0.25, "worth": 1e300, "best_channel": "web"}, {}, {"worth": -2.0},
    ]
    records = [{"visits_7d": 3.0, "scores": own} for own in scores]
    filled = layout.wave_vectors([[3.0]] * 3, [{}] * 3, scores, ["web"] * 3, 0)
    assert filled.tobytes() == layout.customer_vectors(records, ["web"] * 3, 0).tobytes()
    assert filled.tolist()[0] == [pytest.approx(3e38), 3.0, 0.25]
    assert np.isnan(filled[1, [0, 2]]).all()
    assert filled[2, 0] == -2.0


@pytest.mark.parametrize(("name", "reason"), [
    ("score.nothing", "no target 'nothing'"), ("score.best_channel", "ids of channels"),
    ("scores.worth", "no such kind"),
])
def test_a_score_that_no_target_gives_as_a_number_is_no_column(name: str, reason: str) -> None:
    plan = check_data({**catalog(), "targets": TARGETS})
    assert reason in " ".join(unresolved([name], plan))
