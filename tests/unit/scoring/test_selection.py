"""Features: what helps on later rows stays, what does not goes and is named, and few rows judge none."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from models.scoring.booster import NUMBER_PARAMS, Grown, Part, grow
from models.scoring.selection import Pace, Selected, idle, select

STRONG, WEAK, NOISE, COPY, TWIN = (f"profile.{name}" for name in ("strong", "weak", "noise", "copy", "twin"))


def part(rows: int, seed: int, features: tuple[str, ...], objective: str = "probability") -> Part:
    draw = np.random.default_rng(seed)
    told = {name: draw.normal(size=rows) for name in (STRONG, WEAK, NOISE)}
    told[COPY], told[TWIN] = told[STRONG], told[STRONG] + 0.05 * draw.normal(size=rows)
    amount = 2.0 * told[STRONG] + 0.5 * told[WEAK] - 1.0
    label: Any = (draw.random(rows) < 1 / (1 + np.exp(-amount))).astype(np.uint8)
    if objective == "number":
        label = (amount + draw.normal(size=rows)).astype(np.float32)
    matrix = np.stack([told[name] for name in features], axis=1).astype(np.float32)
    return matrix, label, np.ones(rows, np.float32)


def stopped(features: tuple[str, ...], training: Part, validation: Part, pace: Pace, **params: Any) -> Grown:
    return grow(
        features, training, validation, rounds=pace.rounds, patience=pace.patience,
        params={**NUMBER_PARAMS, **pace.params, **params},
    )


def selected(features: tuple[str, ...], rows: int = 4_000, objective: Any = "probability") -> Selected:
    params = {} if objective == "number" else {"objective": "binary:logistic", "eval_metric": "logloss"}
    return select(
        features, part(rows, 1, features, objective), part(rows, 2, features, objective), partial(stopped, **params),
        objective, lambda done, of: None,
    )


@pytest.mark.parametrize("objective", ["probability", "number"])
def test_noise_goes_and_what_helps_stays(objective: str) -> None:
    found = selected((NOISE, WEAK, STRONG), objective=objective)
    assert found.features == (WEAK, STRONG)
    assert list(found.dropped) == [NOISE]
    assert "later rows" in found.dropped[NOISE]


def test_of_two_that_say_the_same_one_stays() -> None:
    found = selected((STRONG, TWIN, WEAK))
    assert {STRONG, TWIN} & set(found.features)
    assert WEAK in found.features


def test_where_nothing_helps_one_feature_stays() -> None:
    rows, label = part(4_000, 1, (NOISE, WEAK))[0], np.tile(np.array([0, 1], np.uint8), 2_000)
    same = (rows, label, np.ones(4_000, np.float32))
    found = select((NOISE, WEAK), same, same, partial(stopped, gamma=1e9), "number", lambda done, of: None)
    assert found.features == (NOISE,)
    assert found.dropped == {WEAK: "no tree splits on it"}


def test_few_rows_drop_nothing_and_say_so() -> None:
    found = selected((NOISE, WEAK, STRONG), rows=90)
    assert found.features == (NOISE, WEAK, STRONG)
    assert "too few to weigh 3 features" in found.unweighed


def test_what_says_nothing_whatever_the_labels_are_is_named_with_the_reason() -> None:
    nan = np.nan
    columns = {
        "a": [1, 2, nan], "same": [5, 5, 5], "none": [nan, nan, nan], "copy of a": [1, 2, nan], "mostly": [5, 5, nan],
        "zero": [0, -0.0, 0], "shifted": [nan, 1, 2],
    }
    found = idle(tuple(columns), np.array(list(columns.values()), np.float32).T)
    assert list(found) == ["same", "none", "copy of a", "zero"]
    assert found["copy of a"].startswith("it is a again")
    assert found["same"].startswith("it is 5 in every")
    assert "no value" in found["none"]
