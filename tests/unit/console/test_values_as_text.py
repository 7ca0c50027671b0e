"""Values of any shape as one line."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.console.views.values import brief, pairs_of, text_of


@pytest.mark.parametrize(("value", "text"), [
    (None, "–"), (True, "yes"), (False, "no"), (41.17, "41.17"), (3.0, "3"), (6.40046e-06, "0.000006"), (7, "7"),
    (1e300, "1e+300"), ("<b>", "<b>"), (["DAIRY", 2], "DAIRY, 2"), ([], "–"),
    ({"a": [1]}, '{"a": [1]}'), (-0.5, "-0.5"),
])
def test_a_value_is_what_a_person_reads(value: Any, text: str) -> None:
    assert text_of(value) == text


def test_what_is_long_is_cut() -> None:
    assert brief("x" * 200, 10) == "x" * 9 + "…"
    assert pairs_of({"total": 1.5, "on": "pos"}, 80) == "total 1.5 · on pos"
