"""What each feature adds to a score: from the trees, through the engine, to the few that are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.trained_scorers import FEATURES, trained
from unit.scoring.test_scorer_files_and_engine import request

from actors.scorer_registry import ScorerRegistry
from actors.scoring.engine import ScoringEngine
from actors.scoring.loaded import open_scorers
from actors.scoring.wire import Asked, pack_asked, unpack_asked, unpack_contributions
from models import limits
from models.canonical import unpack
from models.errors import BadInput
from models.scoring.booster import Booster
from models.scoring.contributions import strongest

ONE = trained(3)
VERSION = ONE.manifest.version


def matrix(rows: int) -> Any:
    made = np.random.default_rng(7).normal(size=(rows, len(FEATURES))).astype(np.float32)
    made[::3, 1] = np.nan
    return made


def why(rows: Any) -> Asked:
    return unpack_asked(pack_asked(VERSION, rows, explain=True))


@pytest.fixture
def engine(tmp_path: Path) -> ScoringEngine:
    ScorerRegistry(tmp_path).register(ONE.model, ONE.manifest)
    return ScoringEngine(open_scorers(ScorerRegistry(tmp_path)))


def test_contributions_sum_to_the_margin_before_calibration() -> None:
    booster, rows = Booster(ONE.model, ONE.manifest), matrix(40)
    found = booster.contributions(rows)
    assert found.shape == (40, len(FEATURES) + 1)
    margins = found.astype(np.float64).sum(axis=1)
    plain = (1 / (1 + np.exp(-margins))).astype(np.float32)
    assert ONE.manifest.calibration.apply(plain) == pytest.approx(booster.predict(rows), abs=1e-5)
    assert len(set(margins.tolist())) > 10
    assert booster.contributions(rows[:0]).shape == (0, len(FEATURES) + 1)


def test_contributions_of_other_columns_are_refused() -> None:
    with pytest.raises(BadInput, match="reads 2 columns"):
        Booster(ONE.model, ONE.manifest).contributions(np.zeros((1, 3), np.float32))


def test_the_engine_says_why_to_those_alone_who_ask(engine: ScoringEngine) -> None:
    rows = matrix(3)
    plain, explained = (a for a in engine.answer([request(VERSION, rows), why(rows)]) if isinstance(a, bytes))
    assert set(unpack(plain)) == {"version", "scores"}
    expected = Booster(ONE.model, ONE.manifest).contributions(rows)
    assert unpack_contributions(explained, VERSION, rows.shape[1]).tolist() == expected.tolist()


def test_too_many_rows_to_explain_are_refused(engine: ScoringEngine) -> None:
    most = limits.EXPLAINED_ROWS_MAX
    (fine,) = engine.answer([why(matrix(most))])
    assert isinstance(fine, bytes)
    with pytest.raises(BadInput, match=f"at most {most}"):
        why(matrix(most + 1))


def test_the_largest_contributions_are_told_either_way_without_the_bias() -> None:
    features = ["profile.a", "attribute.b", "c.d", "e", "f", "g", "h"]
    row = np.array([0.1, -0.5, 0.0, 0.2, 0.2, -0.3, 0.01, 9.0], np.float32)
    told = strongest(features, row)
    assert [name for name, _ in told] == ["attribute.b", "g", "e", "f", "a"]
    assert [by for _, by in told] == [-0.5, -0.300000012, 0.200000003, 0.200000003, 0.100000001]
    assert strongest(features, np.zeros(8, np.float32)) == ()
