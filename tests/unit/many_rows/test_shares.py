"""Scorers whose trees workers grow on their shares are those of the rows at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from unit.many_rows.rows_on_disk import LocalShares, folder

from cluster.many_rows.reading import Reading
from cluster.many_rows.share import gathered
from cluster.many_rows.training import train_on_shares
from cluster.training import read_rows
from models import limits
from models.scoring.splitting import Instants
from models.scoring.training import train


@pytest.mark.parametrize(("weighted", "in_memory"), [(False, 0), (True, limits.TRAINING_NUMBERS_IN_MEMORY)])
def test_a_scorer_of_a_share_is_that_of_the_rows_at_once_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weighted: bool, in_memory: int
) -> None:
    monkeypatch.setattr(limits, "TRAINING_NUMBERS_IN_MEMORY", in_memory)
    monkeypatch.setattr(limits, "TRAINING_BATCH_ROWS", 77)
    more = {"weight": np.random.default_rng(1).random(1_200)} if weighted else {}
    rows = folder(tmp_path / "rows", **more)
    at_once, together = train(read_rows(rows), 5), train_on_shares(LocalShares(rows, tmp_path / "share"), 5)
    assert together.model == at_once.model
    assert together.manifest == at_once.manifest
    assert together.report == at_once.report


def test_a_scorer_of_more_rows_than_are_held_grows_on_all_and_says_what_it_was_selected_on(tmp_path: Path) -> None:
    rows = folder(tmp_path / "rows", 3_000)
    at_once = train(read_rows(rows), 5)
    sampled = train_on_shares(LocalShares(rows, tmp_path / "share"), 5, sample_rows=1_000)
    assert sampled.manifest.rows == at_once.manifest.rows
    assert sampled.manifest.accepted == at_once.manifest.accepted
    assert sampled.manifest.actions == at_once.manifest.actions
    assert sampled.manifest.groups == at_once.manifest.groups
    assert sampled.manifest.issues == at_once.manifest.issues
    assert sampled.manifest.params["test_from_ms"] == at_once.manifest.params["test_from_ms"]
    assert 850 < sampled.report["sample"] < 1_150
    assert "sample" not in at_once.report
    assert sampled.manifest.metrics["auc"] == pytest.approx(at_once.manifest.metrics["auc"], abs=0.05)


def test_a_worker_without_rows_of_a_part_gives_one_that_does_not_count(tmp_path: Path) -> None:
    reading = Reading.of(folder(tmp_path / "rows"))
    share = gathered([reading.rows(reading.nothing())], reading.features, tmp_path)
    part = share.part(Instants(1, 2, 3, 4), "training", share.features[:1], tmp_path, is_alone=False)
    ((matrix, label, weight),) = part.batches()
    assert (matrix.shape, label.tolist(), weight.tolist()) == ((1, 1), [0], [0.0])
