"""Training: later rows judge earlier ones, and what cannot teach is refused with a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BadInput
from models.scoring import metrics
from models.scoring.booster import Booster
from models.scoring.manifest import Manifest
from models.scoring.rows import Rows, feature_columns, from_columns
from models.scoring.splitting import split
from models.scoring.training import train

FEATURES = ("profile.visits", "action.value")


def columns(count: int = 600, seed: int = 7) -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    visits = draw.normal(size=count)
    label = (draw.random(count) < 1 / (1 + np.exp(1.5 - 2 * visits))).astype(np.uint8)
    return {
        "time_ms": np.arange(count, dtype=np.int64) * 1_000, "action": ["a"] * count, "label": label,
        "profile.visits": visits, "action.value": draw.normal(size=count),
    }


def rows(**changed: Any) -> Rows:
    return from_columns(columns() | changed, FEATURES)


@given(holdout=st.floats(0.05, 0.45), late=st.integers(0, 200), step=st.integers(1, 40))
def test_no_row_is_learnt_from_before_its_label_was_known(holdout: float, late: int, step: int) -> None:
    count = 600
    time_ms = np.arange(count) // step * 1_000
    label = np.arange(count) % 2
    given_rows = from_columns(
        columns() | {"time_ms": time_ms, "label": label, "label_time_ms": time_ms + late * 1_000}, FEATURES
    )
    try:
        parts = split(given_rows, holdout)
    except BadInput:
        return
    assert given_rows.label_time_ms[parts.training].max() <= parts.instants.validation_ms
    assert given_rows.label_time_ms[parts.validation].max() <= parts.instants.test_ms
    assert given_rows.time_ms[parts.training].max() < given_rows.time_ms[parts.validation].min()
    assert given_rows.time_ms[parts.validation].max() < given_rows.time_ms[parts.test].min()
    assert not (parts.training & parts.validation | parts.validation & parts.test | parts.training & parts.test).any()


def test_a_scorer_learns_what_is_there_and_says_how_good_it_was_on_later_rows() -> None:
    trained = train(rows(), created_ms=5)
    manifest = trained.manifest
    assert manifest.metrics["auc"] > 0.75
    assert manifest.metrics["log_loss"] < manifest.metrics["base_log_loss"]
    assert manifest.rows["test"] == 120
    assert manifest.rows["all"] == 600
    low, high = Booster(trained.model, manifest).predict(np.array([[-2.0, 1.0], [2.0, 1.0]], np.float32))
    assert low < 0.2 < 0.8 < high


def test_the_same_rows_train_to_the_same_version_and_other_columns_to_another() -> None:
    again = from_columns(columns(), ("action.value", "profile.visits"))
    assert train(rows(), 1).manifest.version == train(rows(), 2).manifest.version
    assert train(again, 1).manifest.version != train(rows(), 1).manifest.version


def test_a_random_label_is_not_learnt() -> None:
    label = np.random.default_rng(3).integers(0, 2, 600)
    assert abs(train(rows(label=label), 0).manifest.metrics["auc"] - 0.5) < 0.15


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"label": np.zeros(600, np.uint8)}, "one class"),
        ({"label": np.ones(600, np.uint8)}, "one class"),
        ({"label": np.r_[np.ones(300, np.uint8), np.zeros(300, np.uint8)]}, "split by time"),
        ({"label": np.full(600, 0.5)}, "0 or 1"),
        ({"time_ms": np.full(600, np.nan)}, "whole milliseconds"),
        ({"weight": np.full(600, -1.0)}, "negative"),
        ({"profile.visits": ["x"] * 600}, "must hold numbers"),
        ({"label_time_ms": np.arange(600) * 1_000 + 10**9}, "no label was final"),
    ],
)
def test_rows_that_cannot_teach_are_refused_with_the_reason(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        train(rows(**changed), 0)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(BadInput, match="too few"):
        train(from_columns(columns(60), FEATURES), 0)


def test_every_missing_column_is_named_at_once() -> None:
    with pytest.raises(BadInput) as refused:
        feature_columns(["action", "profile.visits"])
    assert [error["loc"] for error in refused.value.errors] == [["time_ms"], ["label"]]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_auc_is_the_share_of_pairs_in_the_right_order(pairs: list[tuple[bool, int]]) -> None:
    label = np.array([accepted for accepted, _ in pairs], np.uint8)
    score = np.array([value for _, value in pairs], np.float32)
    wins = [
        1.0 if high > low else 0.5 if high == low else 0.0
        for high in score[label == 1] for low in score[label == 0]
    ]
    if wins:
        assert metrics.auc(label, score) == pytest.approx(sum(wins) / len(wins))
    else:
        assert np.isnan(metrics.auc(label, score))


def test_a_file_that_is_not_the_one_described_never_reaches_the_library() -> None:
    trained = train(rows(), 0)
    for model in (b"", trained.model[:200], trained.model + b"x", b"garbage"):
        with pytest.raises(BadInput, match="cut short or was changed"):
            Booster(model, trained.manifest)
    turned = trained.manifest.model_copy(update={"features": FEATURES[::-1]})
    with pytest.raises(BadInput, match="another order"):
        Booster(trained.model, turned)
    with pytest.raises(BadInput, match="reads 2 columns"):
        Booster(trained.model, trained.manifest).predict(np.zeros((1, 3), np.float32))


def test_a_manifest_crosses_the_wire_unchanged_and_a_damaged_one_is_refused() -> None:
    manifest = train(rows(), 9).manifest
    assert Manifest.from_wire(manifest.to_wire()) == manifest
    with pytest.raises(BadInput, match="not the manifest"):
        Manifest.from_wire(manifest.to_wire() | {"features": [], "extra": 1})
