"""The histogram of the load tests against exact quantiles."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.verdict.histogram import RELATIVE_ERROR, SMALLEST_S, Histogram

SECONDS = st.floats(min_value=SMALLEST_S, max_value=3_600.0)
SHARES = st.sampled_from([0.001, 0.5, 0.9, 0.99, 0.999, 1.0])


def filled(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


@given(st.lists(SECONDS, min_size=1, max_size=300), SHARES)
def test_a_quantile_is_within_half_a_percent_of_the_exact_one(values: list[float], share: float) -> None:
    exact = sorted(values)[math.ceil(share * len(values)) - 1]
    assert filled(values).quantile(share) == pytest.approx(exact, rel=RELATIVE_ERROR * 1.001)


@given(st.lists(SECONDS, max_size=100), st.lists(SECONDS, max_size=100))
def test_merged_histograms_say_what_one_over_everything_says(mine: list[float], theirs: list[float]) -> None:
    merged = filled(mine)
    merged.merge(Histogram.from_wire(filled(theirs).to_wire()))
    whole = filled(mine + theirs)
    assert (merged.count, merged.max_s) == (whole.count, whole.max_s)
    assert merged.sum_s == pytest.approx(whole.sum_s)
    if mine or theirs:
        assert [merged.quantile(share) for share in (0.5, 0.99, 1.0)] == [
            whole.quantile(share) for share in (0.5, 0.99, 1.0)
        ]


def test_nothing_measured_has_no_quantile() -> None:
    assert math.isnan(Histogram().quantile(0.5))


@pytest.mark.parametrize("value", [-0.001, math.inf, math.nan])
def test_what_is_no_latency_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="latency"):
        Histogram().add(value)


def test_a_million_latencies_take_no_more_room_than_their_range() -> None:
    histogram = Histogram()
    for step in range(100_000):
        histogram.add(0.0001 * 1.0001 ** (step % 100_000))
    assert len(histogram.to_wire()["buckets"]) < 1_100
