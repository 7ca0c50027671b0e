"""Split, counts and sample of rows that no process holds are those of the rows at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from unit.many_rows.rows_on_disk import START_MS, LocalShares, folder

from cluster.many_rows.passes import boundaries, row_hashes, sample, take_census
from cluster.many_rows.reading import Reading
from cluster.training import read_rows
from models import limits
from models.errors import BadInput
from models.scoring.splitting import split
from models.scoring.whole import census


@pytest.mark.parametrize(("holdout", "enough"), [(0.1, 1_000), (0.2, 60), (0.45, 60)])
@pytest.mark.parametrize(("workers", "ranges"), [(1, 7), (3, limits.TRAINING_INSTANT_RANGES)])
def test_the_boundaries_are_those_of_the_rows_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holdout: float, enough: int, workers: int, ranges: int
) -> None:
    monkeypatch.setattr(limits, "TRAINING_INSTANT_RANGES", ranges)
    monkeypatch.setattr(limits, "CALIBRATION_SLICE_KIND_ROWS", enough)
    rows = folder(tmp_path / "rows")
    shares, parts = LocalShares(rows, tmp_path, workers), split(read_rows(rows), holdout)
    assert boundaries(shares, holdout) == parts.instants
    counted = take_census(shares, parts.instants)
    assert counted == census(read_rows(rows), parts, "probability")
    assert 0 < counted.groups["one"] < counted.issues["grow"] < counted.rows["grown"]


def test_the_sample_of_few_rows_is_all_of_them_in_the_order_in_which_training_reads_them(tmp_path: Path) -> None:
    place = folder(tmp_path / "rows")
    drawn, rows = sample(LocalShares(place, tmp_path), 1_200), read_rows(place)
    assert drawn.features == rows.features
    assert drawn.matrix.tobytes() == rows.matrix.tobytes()
    assert drawn.label.tolist() == rows.label.tolist()
    assert [drawn.actions.names[code] for code in drawn.actions.codes] == [
        rows.actions.names[code] for code in rows.actions.codes]


def test_a_sample_of_many_rows_holds_the_same_ones_however_they_lie(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "one"), folder(tmp_path / "other", files=7)
    drawn = sample(LocalShares(one, tmp_path / "a"), 1_200, most=300)
    again = sample(LocalShares(other, tmp_path / "b", workers=3, block_rows=40), 1_200, most=300)
    assert 220 < len(drawn) < 380
    assert sorted(row_hashes(drawn).tolist()) == sorted(row_hashes(again).tolist())
    hashes = row_hashes(read_rows(one))
    assert len(set(hashes.tolist())) == 1_200
    assert 0.45 < np.mean(hashes < np.uint64(2**63)) < 0.55


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="label"):
        LocalShares(folder(tmp_path / "rows", label=[None] * 1_200), tmp_path / "a")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput):
        Reading.of(tmp_path / "empty")
    late = folder(tmp_path / "late", label_time_ms=np.full(1_200, START_MS + 10**9))
    with pytest.raises(BadInput, match="no label was final"):
        boundaries(LocalShares(late, tmp_path / "b"), 0.2)
