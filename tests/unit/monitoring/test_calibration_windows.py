"""Observed against predicted, with the rule that says when it is drift."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from models.monitoring.calibration import NOTHING, Calibration, label_sums, wilson
from models.monitoring.shadows import compared, pair_sums
from models.scoring import metrics


def judged(propensity: float, accepted: int, rows: int) -> Calibration:
    return Calibration.of(label_sums([propensity] * rows, [place < accepted for place in range(rows)]))


def test_the_sums_are_those_of_the_metrics_that_training_reports() -> None:
    chance = np.random.default_rng(1)
    score = chance.uniform(0.01, 0.9, 200).astype(np.float32)
    label = (chance.uniform(size=200) < score).astype(np.uint8)
    sums = NOTHING
    for one, accepted in zip(score, label, strict=True):
        sums = sums + label_sums([float(one)], [bool(accepted)])
    assert sums.tolist() == label_sums(score.tolist(), label.tolist()).tolist()
    found = Calibration.of(sums)
    assert found.log_loss == pytest.approx(metrics.log_loss(label, score), abs=1e-8)
    assert found.brier == pytest.approx(float(np.mean((score - label) ** 2)), abs=1e-7)
    assert (found.rows, found.observed) == (200, int(label.sum()))
    assert found.predicted == pytest.approx(float(score.sum()), rel=1e-6)


def test_a_calibrated_scorer_has_not_drifted_and_1_lies_in_its_interval() -> None:
    found = judged(0.2, 200, 1_000)
    assert found.ratio == pytest.approx(1.0)
    low, high = found.ratio_interval or (0, 0)
    assert low < 1.0 < high
    assert not found.has_drifted


def test_twice_the_promised_acceptances_are_drift_and_so_is_half_of_them() -> None:
    assert judged(0.1, 200, 1_000).has_drifted
    assert judged(0.4, 200, 1_000).has_drifted


def test_a_few_labels_are_no_drift_however_far_off() -> None:
    assert not judged(0.01, 40, 99).has_drifted
    assert judged(0.01, 40, 100).has_drifted


def test_what_is_surely_off_but_by_a_hair_is_no_drift() -> None:
    found = judged(0.5, 10_400, 20_000)
    assert found.off > 0
    assert not found.has_drifted


def test_nothing_accepted_where_much_was_promised_is_drift() -> None:
    found = judged(0.3, 0, 500)
    assert found.ratio == 0.0
    assert found.has_drifted
    assert math.isfinite(found.off)


def test_a_certain_prediction_that_fails_costs_much_and_no_infinity() -> None:
    assert judged(1.0, 0, 1).log_loss == pytest.approx(-math.log(1e-7), rel=1e-3)


def test_the_interval_is_that_of_wilson() -> None:
    for observed, rows in ((10, 100), (0, 50), (50, 50), (1, 3)):
        known = binomtest(observed, rows).proportion_ci(0.99, "wilson")
        assert wilson(observed, rows) == pytest.approx((known.low, known.high), abs=1e-12)


def test_nothing_seen_says_so_in_place_of_dividing_by_it() -> None:
    plain = Calibration.of(NOTHING).to_plain()
    assert (plain["rows"], plain["ratio"], plain["ratio_interval"], plain["drifted"]) == (0, None, None, False)


def test_of_a_shadow_and_who_decides_the_better_one_has_the_smaller_loss() -> None:
    found = compared(pair_sums([0.9, 0.1], [0.5, 0.5], [True, False]))
    assert found["rows"] == 2
    assert found["log_loss"] < found["decided"]["log_loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert found["brier"] == pytest.approx(0.01)
    assert found["decided"]["brier"] == pytest.approx(0.25)
