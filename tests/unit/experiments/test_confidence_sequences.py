"""Intervals under continuous looking: at every customer of every path, not at one planned end."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from models.experiments.report import ALPHA, CONTRIBUTING_MIN, OBSERVATIONS_MIN, TUNED_FOR
from models.experiments.sequences import Moments, difference, radius, relative, tuned_rho

PATHS, LENGTH = 1_000, 3_000
Numbers = NDArray[np.float64]


def outcomes(kind: str, rng: np.random.Generator) -> Numbers:
    """[paths, customers]: the same law in both arms, so every interval without 0 is a false alarm."""
    shape = PATHS, LENGTH
    if kind == "rare":
        return rng.binomial(1, 0.02, shape).astype(np.float64)
    if kind == "common":
        return rng.binomial(3, 0.3, shape).astype(np.float64)
    return np.where(rng.random(shape) < 0.1, rng.lognormal(2.0, 0.8, shape), 0.0)


@lru_cache(maxsize=1)
def differences(kind: str, share: float) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """At every customer of every path: the estimate, its standard error, and of the smaller arm customers and those
    that contribute."""
    rng = np.random.default_rng(20261122)
    values, treated = outcomes(kind, rng), rng.random((PATHS, LENGTH)) < share

    def moments(arm: NDArray[np.bool_]) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        count = np.cumsum(arm, axis=1).astype(np.float64)
        total = np.cumsum(values * arm, axis=1)
        squares = np.cumsum(values**2 * arm, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = (squares - total**2 / count) / (count - 1.0) / count
            return count, total / count, spread, np.nan_to_num(total**2 / squares)

    (n, mean, squared, some), (n0, mean0, squared0, some0) = moments(treated), moments(~treated)
    with np.errstate(invalid="ignore"):
        error = np.sqrt(np.maximum(squared + squared0, 0.0))
    return np.abs(mean - mean0), error, np.minimum(n, n0), np.minimum(some, some0)


def misled(kind: str, share: float, radii: Numbers | float, contributing: int) -> float:
    """The share of paths of which some customer found an interval without 0."""
    estimate, error, customers, some = differences(kind, share)
    told = (customers >= OBSERVATIONS_MIN) & (some >= contributing) & (error > 0.0)
    return float((told & (estimate > error * radii)).any(axis=1).mean())


RADII = np.array([radius(t, ALPHA, tuned_rho(TUNED_FOR, ALPHA)) for t in range(1, LENGTH + 1)])


@pytest.mark.parametrize("share", [0.5, 0.2, 0.1])
@pytest.mark.parametrize("kind", ["rare", "common", "valued"])
def test_looking_at_every_customer_misleads_no_more_often_than_promised(kind: str, share: float) -> None:
    assert misled(kind, share, RADII, CONTRIBUTING_MIN) <= ALPHA


@pytest.mark.parametrize("kind", ["common", "valued"])
def test_an_interval_for_one_planned_look_misleads_far_more_often(kind: str) -> None:
    """So the test above can fail."""
    assert misled(kind, 0.5, 1.96, CONTRIBUTING_MIN) > 3 * ALPHA


@pytest.mark.parametrize("kind", ["rare", "valued"])
def test_a_small_arm_of_rare_outcomes_misleads_without_enough_that_contribute(kind: str) -> None:
    """Why ``CONTRIBUTING_MIN`` is asked for."""
    assert misled(kind, 0.1, RADII, 0) > ALPHA


def test_an_interval_closes_in_on_a_lift_that_is_there() -> None:
    rng = np.random.default_rng(5)
    control, better = rng.binomial(1, 0.10, 20_000), rng.binomial(1, 0.12, 20_000)
    found = difference(counted(better), counted(control), ALPHA, TUNED_FOR)
    assert found is not None
    assert 0.0 < found.low < 0.02 < found.high
    ratio = relative(counted(better), counted(control), ALPHA, TUNED_FOR)
    assert ratio is not None
    assert 0.0 < ratio.low < 0.2 < ratio.high


def test_the_interval_is_tightest_near_where_it_was_tuned() -> None:
    widths = {tuned: radius(TUNED_FOR, ALPHA, tuned_rho(tuned, ALPHA)) for tuned in (20, 200, 2_000, 20_000, 200_000)}
    assert min(widths, key=widths.__getitem__) == TUNED_FOR


def test_moments_are_exact_where_doubles_are_not() -> None:
    """A thousand millions, give or take one millionth: doubles would lose the spread."""
    micros = [10**15, 10**15 + 1, 10**15 + 2]
    moments = Moments(3, sum(micros), sum(value**2 for value in micros), 10**6)
    assert moments.variance == 1e-12
    assert moments.mean == 1e9 + 1e-6


def test_without_spread_there_is_no_interval() -> None:
    flat = counted(np.zeros(500, np.int64))
    assert difference(flat, flat, ALPHA, TUNED_FOR) is None
    assert relative(flat, flat, ALPHA, TUNED_FOR) is None
    assert Moments(0, 0, 0).mean == Moments(1, 5, 25).variance == 0.0


def test_the_radius_is_the_theorems() -> None:
    """Theorem 2.2 at t = 500, rho = 0.1, alpha = 0.05, in standard errors."""
    expected = math.sqrt(2 * (500 * 0.01 + 1) / (500**2 * 0.01) * math.log(math.sqrt(500 * 0.01 + 1) / 0.05))
    assert radius(500, 0.05, 0.1) == pytest.approx(expected * math.sqrt(500), rel=1e-12)


def counted(values: NDArray[np.int64]) -> Moments:
    return Moments(len(values), int(values.sum()), int((values**2).sum()))
