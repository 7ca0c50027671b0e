"""The population stability index, by hand and by its properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.monitoring.features import FeatureWindow, Reference
from models.monitoring.rolling import Key
from models.monitoring.stability import BINS, binned, expected_shares, has_drifted, psi
from models.scoring.manifest import Histogram

QUARTERS = Histogram(edges=(1.0, 2.0), shares=(0.25, 0.25, 0.5), missing=0.0)
shares = st.lists(st.integers(1, 50), min_size=BINS, max_size=BINS)


def counts(*of_bins: int, missing: int = 0) -> np.ndarray:
    return np.array([*of_bins, *[0] * (BINS - 1 - len(of_bins)), missing])


@given(shares)
def test_equal_histograms_have_no_distance(of_bins: list[int]) -> None:
    many = np.array(of_bins)
    assert float(psi(many, many / many.sum())) == 0.0


@given(shares, shares)
def test_the_distance_is_never_negative_and_the_same_both_ways(one: list[int], other: list[int]) -> None:
    here, there = np.array(one), np.array(other)
    found = float(psi(here, there / there.sum()))
    assert found >= 0
    assert found == pytest.approx(float(psi(there, here / here.sum())))


def test_a_known_distance() -> None:
    found = float(psi(counts(50, 25, 25), expected_shares(QUARTERS)))
    assert found == pytest.approx(0.25 * math.log(2) + 0.25 * math.log(2))


def test_rows_that_lose_their_value_are_drift_too() -> None:
    halved = counts(125, 125, 250, missing=500)
    assert float(psi(halved, expected_shares(QUARTERS))) > 1.0


def test_an_empty_bin_is_far_away_and_not_infinitely() -> None:
    assert math.isfinite(float(psi(counts(0, 0, 100), expected_shares(QUARTERS))))


def test_nothing_counted_is_no_drift() -> None:
    assert float(psi(counts(), expected_shares(QUARTERS))) == 0.0


def test_a_value_on_an_edge_belongs_above_it_and_none_to_the_last_bin() -> None:
    values = np.array([0.5, 1.0, 1.5, 2.0, 9.0, np.nan], np.float32)
    assert binned(values, QUARTERS).tolist() == [0, 1, 1, 2, 2, BINS - 1]


def test_noise_of_few_rows_is_granted() -> None:
    assert not has_drifted(0.9, rows=199, bins=10)
    assert not has_drifted(0.29, rows=200, bins=10)
    assert has_drifted(0.31, rows=200, bins=10)


def test_rows_of_the_reference_itself_hardly_ever_count_as_drifted() -> None:
    chance = np.random.default_rng(3)
    expected = expected_shares(QUARTERS)
    drawn = chance.multinomial(200, expected / expected.sum(), size=2_000)
    assert not any(has_drifted(float(index), 200, 3) for index in psi(drawn, expected))


def test_rows_are_counted_by_action_and_channel_in_the_bins_of_their_feature() -> None:
    reference = Reference.of(
        ("profile.a", "profile.unknown", "profile.b"),
        {"profile.a": QUARTERS, "profile.b": Histogram(edges=(), shares=(1.0,), missing=0.5)},
    )
    assert reference.features == ("profile.a", "profile.b")
    window = FeatureWindow()
    matrix = np.array([[0.0, 1.0], [5.0, np.nan], [5.0, 1.0]], np.float32)
    window.add(0, "s", reference, [("x", "web"), ("x", "web"), ("y", "web")], matrix)
    found = {key: sums.reshape(2, BINS) for key, sums in window.sums.total().items()}
    assert set(found) == {Key("s", "x", "web"), Key("s", "y", "web")}
    assert found["s", "x", "web"].tolist() == [counts(1, 0, 1).tolist(), counts(1, missing=1).tolist()]
    assert found["s", "y", "web"].tolist() == [counts(0, 0, 1).tolist(), counts(1).tolist()]


def test_a_reference_comes_back_from_its_wire() -> None:
    reference = Reference.of(("profile.a",), {"profile.a": QUARTERS})
    assert Reference.from_wire(reference.to_wire()) == reference
