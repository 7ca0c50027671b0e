"""How far a scorer is believed: exact at both ends, by counts in between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.scoring.blending import blended, trust

PROBABILITIES = st.lists(st.floats(0.0, 1.0, width=32), min_size=1, max_size=20)


def test_a_scorer_weighs_half_where_it_learnt_from_as_many_rows_as_the_blend_says() -> None:
    weights = trust(["new", "known", "old"], {"known": 20, "old": 180, "gone": 7}, 20.0)
    assert weights is not None
    assert weights.tolist() == [0.0, 0.5, 0.9]
    mixed = blended(np.array([0.4, 0.4, 0.4], np.float32), np.array([0.1, 0.1, 0.1]), weights)
    assert mixed == pytest.approx([0.1, 0.25, 0.37])


def test_without_a_blend_or_without_counts_a_scorer_is_believed_everywhere() -> None:
    assert trust(["a"], {"a": 5}, 0.0) is None
    assert trust(["a"], {}, 20.0) is None


@given(PROBABILITIES, st.data())
def test_both_ends_are_exact_to_the_bit(scores: list[float], data: st.DataObject) -> None:
    numbers = np.array(scores, np.float32)
    evidence = np.array([data.draw(st.floats(0.0, 1.0)) for _ in scores])
    assert blended(numbers, evidence, np.zeros(len(scores))).tolist() == evidence.tolist()
    assert blended(numbers, evidence, np.ones(len(scores))).tolist() == numbers.astype(np.float64).tolist()
    assert blended(numbers, evidence, None).tolist() == numbers.astype(np.float64).tolist()


@given(PROBABILITIES, st.data())
def test_each_is_blended_as_if_it_were_alone(scores: list[float], data: st.DataObject) -> None:
    numbers = np.array(scores, np.float32)
    evidence = np.array([data.draw(st.floats(0.0, 1.0)) for _ in scores])
    weights = np.array([data.draw(st.floats(0.0, 1.0)) for _ in scores])
    together = blended(numbers, evidence, weights)
    for at in range(len(scores)):
        one = slice(at, at + 1)
        assert blended(numbers[one], evidence[one], weights[one]).tolist() == together[one].tolist()
        assert min(numbers[at], evidence[at]) - 1e-12 <= together[at] <= max(numbers[at], evidence[at]) + 1e-12


def test_where_a_score_is_no_number_the_evidence_decides() -> None:
    scores = np.array([np.nan, np.inf, 1.5, -0.5], np.float32)
    assert blended(scores, np.full(4, 0.1), np.full(4, 0.5)).tolist() == [0.1, 0.1, 0.55, 0.05]
