"""Calibration: the pooled fit is the best rising one, Platt finds the sigmoid, order stays, later rows gain by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models import limits
from models.scoring import metrics
from models.scoring.calibrating import calibrate, isotonic, platt, pooled
from models.scoring.calibration import Calibration, log_odds, sigmoid


def fitted(value: Any, weight: Any) -> list[float]:
    """The pooled fit, value by value."""
    starts = pooled(np.array(value, np.float64), np.array(weight, np.float64))
    parts = zip(starts, [*starts[1:], len(value)], strict=True)
    return [
        float(np.average(value[first:last], weights=weight[first:last])) for first, last in parts
        for _ in range(first, last)
    ]


def by_definition(value: list[float], weight: list[float]) -> list[float]:
    """The best rising fit as the minimax of means, in the cube of the rows (Barlow et al. 1972)."""
    def mean(first: int, last: int) -> float:
        return float(np.average(value[first:last], weights=weight[first:last]))

    count = len(value)
    return [
        max(min(mean(first, last) for last in range(at + 1, count + 1)) for first in range(at + 1))
        for at in range(count)
    ]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 5)), min_size=1, max_size=14))
def test_pooling_gives_the_best_rising_fit(pairs: list[tuple[float, float]]) -> None:
    value, weight = [one for one, _ in pairs], [by for _, by in pairs]
    found = fitted(value, weight)
    assert found == pytest.approx(by_definition(value, weight), abs=1e-9)
    assert found == sorted(found)
    assert np.average(found, weights=weight) == pytest.approx(np.average(value, weights=weight))


@given(
    st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.integers(0, 3)), min_size=2, max_size=80),
    st.lists(st.floats(0, 1, width=32), min_size=2, max_size=20),
)
def test_no_curve_turns_the_order_of_scores_or_says_never_or_always(
    rows: list[tuple[int, bool, int]], asked: list[float]
) -> None:
    score = np.array([one / 40 for one, _, _ in rows], np.float32)
    label = np.array([accepted for _, accepted, _ in rows], np.uint8)
    weight = np.array([by for _, _, by in rows], np.float32)
    scores = np.sort(np.array(asked, np.float32))
    for fit in (isotonic, platt):
        if not weight.any() or (found := fit(score, label, weight)) is None:
            continue
        told = found.apply(scores)
        assert (np.diff(told) >= 0).all()
        assert told.min() > 0
        assert told.max() < 1
        assert told.dtype == np.float32
        assert Calibration.model_validate(found.model_dump(mode="json")) == found
        assert found.apply(scores).tobytes() == told.tobytes()


def test_scores_that_differ_still_differ_where_nothing_more_was_seen() -> None:
    draw = np.random.default_rng(1)
    score = draw.uniform(0.2, 0.4, 3_000).astype(np.float32)
    found = isotonic(score, (draw.random(3_000) < score).astype(np.uint8), np.ones(3_000, np.float32))
    assert found is not None
    told = found.apply(np.linspace(0.001, 0.999, 500, dtype=np.float32))
    assert len(set(told.tolist())) == 500
    assert told[-1] < found.apply(np.full(1, 0.4, np.float32))[0] * 1.1


@given(slope=st.floats(0.3, 3.0), intercept=st.floats(-2.0, 2.0))
def test_platt_finds_the_sigmoid_behind_the_labels(slope: float, intercept: float) -> None:
    score = np.tile(np.linspace(0.02, 0.98, 97, dtype=np.float32), 2)
    chance = sigmoid(slope * log_odds(score) + intercept)
    label = np.repeat(np.array([1, 0], np.uint8), 97)
    weight = (1e5 * np.where(label == 1, chance, 1.0 - chance)).astype(np.float32)
    found = platt(score, label, weight)
    assert found is not None
    assert found.x[0] == pytest.approx(slope, rel=1e-2)
    assert found.y[0] == pytest.approx(intercept, abs=2e-2)


def test_scores_that_speak_against_what_happens_get_no_sigmoid() -> None:
    score = np.linspace(0.1, 0.9, 200, dtype=np.float32)
    label = (np.arange(200) < 100).astype(np.uint8)
    assert platt(score, label, np.ones(200, np.float32)) is None
    assert calibrate(score, label, np.ones(200, np.float32)).calibration == Calibration()


def miscalibrated(seed: int, rows: int) -> tuple[Any, Any, Any]:
    """Scores that say too much: their log-odds are doubled and shifted; and what happened."""
    draw = np.random.default_rng(seed)
    chance = sigmoid(draw.normal(-1.5, 1.0, rows))
    score = sigmoid(2.0 * log_odds(chance) + 1.0).astype(np.float32)
    return score, (draw.random(rows) < chance).astype(np.uint8), np.ones(rows, np.float32)


@given(seed=st.integers(0, 2**32))
def test_a_scorer_that_says_too_much_is_right_on_later_rows_once_calibrated(seed: int) -> None:
    score, label, weight = miscalibrated(seed, 6_000)
    early, late = slice(0, 4_000), slice(4_000, None)
    found = calibrate(score[early], label[early], weight[early]).calibration
    told = found.apply(score[late])
    assert found.kind in ("isotonic", "platt")
    assert metrics.log_loss(label[late], told) < metrics.log_loss(label[late], score[late])
    assert metrics.ece(label[late], told) < metrics.ece(label[late], score[late])
    assert metrics.auc(label[late], told) == pytest.approx(metrics.auc(label[late], score[late]), abs=1e-3)


def test_a_scorer_that_is_right_is_left_alone_or_hardly_changed() -> None:
    draw = np.random.default_rng(5)
    score = sigmoid(draw.normal(-1.5, 1.0, 8_000)).astype(np.float32)
    label = (draw.random(8_000) < score).astype(np.uint8)
    fit = calibrate(score, label, np.ones(8_000, np.float32))
    assert set(fit.compared) == {"none", "platt", "isotonic"}
    assert fit.compared[fit.calibration.kind] == min(fit.compared.values())
    assert np.abs(fit.calibration.apply(score) - score).mean() < 0.02


@pytest.mark.parametrize(("accepted", "kinds"), [
    (limits.CALIBRATION_ROWS_MIN - 1, set()), (limits.CALIBRATION_ROWS_MIN, {"none", "platt"}),
    (limits.CALIBRATION_ISOTONIC_ROWS_MIN, {"none", "platt", "isotonic"}),
])
def test_few_accepted_rows_allow_no_free_curve(accepted: int, kinds: set[str]) -> None:
    score = np.tile(np.linspace(0.1, 0.9, 100, dtype=np.float32), 20)
    label = np.zeros(2_000, np.uint8)
    high = np.flatnonzero(score > 0.5)
    label[high[np.linspace(0, len(high) - 1, accepted).astype(int)]] = 1
    assert set(calibrate(score, label, np.ones(2_000, np.float32)).compared) == kinds


def test_a_weight_counts_like_as_many_rows() -> None:
    score, label, _ = miscalibrated(3, 300)
    weight = np.random.default_rng(1).integers(0, 4, 300)
    many = [np.repeat(part, weight) for part in (score, label)]
    for fit in (platt, isotonic):
        weighted = fit(score, label, weight.astype(np.float32))
        repeated = fit(many[0], many[1], np.ones(len(many[0]), np.float32))
        assert weighted is not None
        assert repeated is not None
        assert weighted.x == pytest.approx(repeated.x, rel=1e-6)
        assert weighted.y == pytest.approx(repeated.y, rel=1e-6)


@pytest.mark.parametrize("wire", [
    {"kind": "none", "x": [1.0]}, {"kind": "platt"}, {"kind": "platt", "x": [-1.0], "y": [0.0]},
    {"kind": "isotonic", "x": [0.5], "y": [0.5]}, {"kind": "isotonic", "x": [0.1, 0.2], "y": [0.3, 0.2]},
    {"kind": "isotonic", "x": [0.2, 0.1], "y": [0.2, 0.3]}, {"kind": "isotonic", "x": [0.1, 0.2], "y": [0.2, 1.3]},
    {"kind": "isotonic", "x": [0.1, 0.2], "y": [0.2]}, {"kind": "platt", "x": [float("nan")], "y": [0.0]},
    {"kind": "beta"}, {"kind": "none", "z": 1},
    {"kind": "isotonic", "x": [n / 1e3 for n in range(600)], "y": [n / 1e3 for n in range(600)]},
])
def test_what_is_no_rising_curve_is_refused(wire: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Calibration.model_validate(wire)
