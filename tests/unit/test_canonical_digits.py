"""Kept digits: arrays and single numbers are rounded to the same bits."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from models import limits
from models.canonical import significant, significant_all

DECIMAL = Context(prec=limits.SIGNIFICANT_DIGITS, rounding=ROUND_HALF_EVEN)
#: Numbers of ten digits that end in 5: as near to a tie as a double comes.
NEAR_TIES = st.tuples(st.integers(10**8, 10**9 - 1), st.integers(-24, 4)).map(lambda d: float(f"{d[0]}5e{d[1]}"))


@given(st.lists(st.floats(0.0, 1.0) | st.floats(0.0) | st.floats() | NEAR_TIES, max_size=40))
@example([0.0, -0.0, 1.0, -0.25, 0.9999999995, 999_999_999.5, 1e-14, 9.999999999e-15, 5e-324, 1.7e308])
@example([float("inf"), float("nan")])
def test_an_array_is_rounded_to_the_same_bits_as_its_numbers(values: list[float]) -> None:
    found = significant_all(np.array(values, np.float64))
    assert found.tobytes() == np.array([significant(value) for value in values], np.float64).tobytes()


@given(st.lists(st.floats(0.0, 1.0, width=32) | NEAR_TIES, max_size=40))
def test_rounding_is_that_of_the_decimal_number(values: list[float]) -> None:
    expected = [float(DECIMAL.create_decimal(Decimal(value))) for value in values]
    assert significant_all(np.array(values, np.float64)).tolist() == expected


def test_single_precision_scores_keep_nine_digits() -> None:
    scores = np.random.default_rng(5).random(50_000, np.float32).astype(np.float64)
    assert significant_all(scores).tolist() == [significant(score) for score in scores.tolist()]
