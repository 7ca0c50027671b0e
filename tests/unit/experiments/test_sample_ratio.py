"""The sample-ratio alarm: silent while assignment works, however long; loud soon after it broke."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.experiments.ratio import LOG_E_CERTAIN, log_e_value
from models.experiments.report import RATIO_ALPHA

PATHS, LOOKS, STEP = 1_000, 80, 50


def log_e_paths(shares: list[float], weights: list[int], seed: int) -> list[list[float]]:
    """[path][look]: a look every ``STEP`` customers, who fall into variants by ``shares``."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(STEP, shares, (PATHS, LOOKS)).cumsum(axis=1)
    return [[log_e_value(look, weights) for look in path] for path in counts.tolist()]


@pytest.mark.parametrize("weights", [[1, 1], [9, 1], [2, 1, 1]])
def test_an_alarm_that_nothing_caused_is_as_rare_as_promised(weights: list[int]) -> None:
    """At one in ten, so that a thousand paths can tell; the alarm's own level follows by the same theorem."""
    shares = [weight / sum(weights) for weight in weights]
    highest = np.array([max(path) for path in log_e_paths(shares, weights, 7)])
    assert (highest >= math.log(10.0)).mean() <= 0.1
    assert (highest >= -math.log(RATIO_ALPHA)).mean() <= 0.005


def test_a_test_for_one_planned_look_alarms_far_more_often() -> None:
    """So the test above can fail: chi-squared at 10 %, looked at every fifty customers."""
    rng = np.random.default_rng(7)
    counts = rng.multinomial(STEP, [0.5, 0.5], (PATHS, LOOKS)).cumsum(axis=1)
    total = counts.sum(axis=2)
    squared = (counts[..., 0] - counts[..., 1]) ** 2 / total
    assert (squared > 2.706).any(axis=1).mean() > 0.3


def test_an_assignment_that_loses_every_fifth_is_found_within_thousands() -> None:
    """0.8 to 1 in place of 1 to 1."""
    paths = log_e_paths([4 / 9, 5 / 9], [1, 1], 11)
    assert np.mean([max(path) >= -math.log(RATIO_ALPHA) for path in paths]) > 0.99


def test_a_customer_in_a_variant_that_weighs_nothing_is_an_alarm_at_once() -> None:
    assert log_e_value([10, 1], [1, 0]) == LOG_E_CERTAIN


@given(st.lists(st.integers(0, 10**7), min_size=2, max_size=5), st.data())
def test_the_order_of_variants_does_not_matter_and_large_counts_do_no_harm(
    counts: list[int], data: st.DataObject
) -> None:
    weights = data.draw(st.lists(st.integers(1, 1_000), min_size=len(counts), max_size=len(counts)))
    found = log_e_value(counts, weights)
    assert math.isfinite(found)
    assert found == pytest.approx(log_e_value(counts[::-1], weights[::-1]), abs=1e-4)


def test_nobody_yet_is_no_evidence() -> None:
    assert log_e_value([0, 0], [1, 3]) == pytest.approx(0.0, abs=1e-9)
