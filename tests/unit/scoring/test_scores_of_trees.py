"""Scores out of trees: the library's own numbers, whatever way the rows lie in memory and whoever else asks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import xgboost
from support.trained_scorers import FEATURES, trained

from models.errors import BadInput
from models.scoring.booster import Booster, grow
from models.scoring.manifest import Manifest, version_of

ONE = trained(3)


def matrix(rows: int, seed: int = 7) -> Any:
    made = np.random.default_rng(seed).normal(size=(rows, len(FEATURES))).astype(np.float32)
    made[::3, 1] = np.nan
    return made


@pytest.fixture(scope="module")
def booster() -> Booster:
    return Booster(ONE.model, ONE.manifest)


@pytest.mark.parametrize("rows", [1, 20, 63, 64, 65, 1_280])
def test_scores_are_those_of_the_library_to_the_bit(booster: Booster, rows: int) -> None:
    trees = xgboost.Booster(model_file=bytearray(ONE.model))
    asked = matrix(rows, rows)
    plain = trees.inplace_predict(asked, validate_features=False)
    assert booster.predict(asked).tobytes() == ONE.manifest.calibration.apply(plain).tobytes()


@pytest.mark.parametrize("lies", ["in columns", "with gaps", "as doubles", "read-only"])
def test_how_rows_lie_in_memory_changes_no_score(booster: Booster, lies: str) -> None:
    asked = matrix(50)
    other = {
        "in columns": np.asfortranarray(asked), "with gaps": np.repeat(asked, 2, axis=0)[::2],
        "as doubles": asked.astype(np.float64),
        "read-only": np.frombuffer(asked.tobytes(), np.float32).reshape(asked.shape),
    }[lies]
    assert booster.predict(other).tobytes() == booster.predict(asked).tobytes()


def test_scores_stay_when_the_next_are_asked_for(booster: Booster) -> None:
    first = booster.predict(matrix(100, 1))
    kept = first.copy()
    booster.predict(matrix(100, 2))
    assert first.tobytes() == kept.tobytes()


def test_threads_that_score_and_one_that_explains_get_what_each_would_get_alone(booster: Booster) -> None:
    asked = [matrix(200, seed) for seed in range(40)]
    alone = [(booster.predict(rows).tobytes(), booster.contributions(rows[:5]).tobytes()) for rows in asked]
    fresh = Booster(ONE.model, ONE.manifest)
    with ThreadPoolExecutor(8) as scoring, ThreadPoolExecutor(1) as explaining:
        scores = scoring.map(lambda rows: fresh.predict(rows).tobytes(), asked)
        reasons = explaining.map(lambda rows: fresh.contributions(rows[:5]).tobytes(), asked)
        assert list(zip(scores, reasons, strict=True)) == alone


def test_trees_that_say_more_than_one_number_per_row_are_refused() -> None:
    rows, label = matrix(60), np.arange(60, dtype=np.uint8) % 3
    params = {"objective": "multi:softprob", "num_class": 3, "max_depth": 2}
    grown = grow(FEATURES, (rows, label, np.ones(60, np.float32)), None, rounds=2, params=params)
    version, sha256 = version_of(grown.model, FEATURES)
    told = {**ONE.manifest.to_wire(), "version": version, "sha256": sha256, "calibration": {}}
    with pytest.raises(BadInput, match="one probability per row"):
        Booster(grown.model, Manifest.from_wire(told))
