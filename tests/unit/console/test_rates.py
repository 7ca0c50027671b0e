"""Rates are told with their counts and an interval that deserves its name."""

from __future__ import annotations

import random

import pytest

from cluster.console.views.rates import difference, rate


@pytest.mark.parametrize(("hits", "n", "low", "high"), [
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718),
])
def test_a_share_has_the_interval_of_the_literature(hits: int, n: int, low: float, high: float) -> None:
    told = rate(hits, n)
    assert told is not None
    assert (round(told.low, 4), round(told.high, 4)) == (low, high)
    assert told.share == hits / n


@pytest.mark.parametrize(("first", "second", "low", "high"), [
    # Newcombe (1998), "Interval estimation for the difference between independent proportions", table II, method 10.
    ((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 10), 0.6075, 1.0),
])
def test_a_difference_has_the_interval_of_the_literature(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float,
) -> None:
    one, other = rate(*first), rate(*second)
    assert one is not None
    assert other is not None
    told = difference(one, other)
    assert (round(told.low, 4), round(told.high, 4)) == (low, high)
    assert told.is_clear


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (3, 2), (-1, 5)])
def test_there_is_no_rate_of_nothing_nor_of_more_than_everything(hits: int, n: int) -> None:
    assert rate(hits, n) is None


def test_the_interval_holds_the_share_and_stays_within_its_bounds_for_any_counts() -> None:
    draw = random.Random(6)
    for _ in range(2_000):
        n = draw.randint(1, 100_000)
        told = rate(draw.choice([0, n, draw.randint(0, n)]), n)
        assert told is not None
        assert 0.0 <= told.low <= told.share <= told.high <= 1.0


def test_equal_shares_of_few_are_told_apart_by_nothing() -> None:
    one, other = rate(5, 50), rate(6, 60)
    assert one is not None
    assert other is not None
    assert not difference(one, other).is_clear
