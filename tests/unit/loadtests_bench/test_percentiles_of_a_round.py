"""Percentiles are values that were measured."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from loadtests.bench.generator.percentiles import curve, percentile

VALUES = st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=300).map(sorted)


def test_of_a_hundred_values_the_99th_is_p99() -> None:
    ordered = [float(n) for n in range(1, 101)]
    assert [percentile(ordered, at) for at in (1, 50, 99, 99.9)] == [1, 50, 99, 100]


def test_of_a_thousand_values_p999_is_the_second_largest() -> None:
    assert percentile([float(n) for n in range(1, 1001)], 99.9) == 999


def test_of_nothing_there_is_no_percentile() -> None:
    assert math.isnan(percentile([], 50))


@given(VALUES, st.floats(min_value=0, max_value=100))
def test_a_percentile_is_one_of_the_values_and_so_many_are_not_above_it(ordered: list[float], at: float) -> None:
    value = percentile(ordered, at)
    assert value in ordered
    assert sum(one <= value for one in ordered) >= len(ordered) * at / 100 - 1e-6


@given(VALUES)
def test_a_curve_never_falls_and_shows_no_percentile_that_one_value_decides(ordered: list[float]) -> None:
    found = curve(ordered)
    assert [ms for _, ms in found] == sorted(ms for _, ms in found)
    assert all(len(ordered) * (100 - at) >= 100 for at, _ in found)
