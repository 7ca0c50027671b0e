"""Arrivals are planned ahead, whatever the answers do."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.users.arrivals import Arrivals


@given(st.sampled_from(["poisson", "uniform"]), st.floats(min_value=0.5, max_value=5_000), st.text(max_size=5))
def test_arrivals_ascend_from_the_beginning(kind: str, rate: float, seed: str) -> None:
    arrivals = Arrivals(rate, kind, 100.0, seed)  # type: ignore[arg-type]
    times = [arrivals.take() for _ in range(50)]
    assert times[0] >= 100.0
    assert all(one <= other for one, other in pairwise(times))


@pytest.mark.parametrize("kind", ["poisson", "uniform"])
def test_the_rate_is_kept_on_average(kind: str) -> None:
    arrivals = Arrivals(200.0, kind, 0.0, "seed")  # type: ignore[arg-type]
    assert len(arrivals.left_before(50.0)) == pytest.approx(10_000, rel=0.05)


def test_an_even_beat_has_even_gaps_and_poisson_arrivals_come_in_bursts() -> None:
    def gaps(kind: str) -> list[float]:
        arrivals = Arrivals(10.0, kind, 0.0, "seed")  # type: ignore[arg-type]
        times = [arrivals.take() for _ in range(1_000)]
        return [later - earlier for earlier, later in pairwise(times)]

    assert gaps("uniform") == pytest.approx([0.1] * 999)
    assert sum(gap < 0.02 for gap in gaps("poisson")) > 100


def test_workers_beat_at_different_phases_and_a_seed_repeats_its_plan() -> None:
    def first(seed: str) -> float:
        return Arrivals(10.0, "uniform", 0.0, seed).take()

    assert first("run-0") != first("run-1")
    assert first("run-0") == first("run-0")


def test_what_nobody_took_is_left_once() -> None:
    arrivals = Arrivals(100.0, "uniform", 0.0, "seed")
    taken = [arrivals.take() for _ in range(10)]
    left = arrivals.left_before(1.0)
    assert min(left) > max(taken)
    assert len(left) == pytest.approx(90, abs=1)
    assert arrivals.left_before(1.0) == []


def test_no_rate_is_no_plan() -> None:
    with pytest.raises(ValueError, match="rate"):
        Arrivals(0.0, "uniform", 0.0, "seed")
