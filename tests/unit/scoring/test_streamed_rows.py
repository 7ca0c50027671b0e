"""Trees that grow on batches of rows are those that grow on the rows at once, in memory or on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from models.scoring.booster import Grown, Part, Streamed, grow

FEATURES = ("profile.visits", "action.value", "odd[name]")


def part(count: int, seed: int) -> Part:
    draw = np.random.default_rng(seed)
    matrix = draw.normal(size=(count, 3)).astype(np.float32)
    matrix[draw.random(matrix.shape) < 0.1] = np.nan
    label = (draw.random(count) < 1 / (1 + np.exp(-np.nan_to_num(matrix[:, 0])))).astype(np.uint8)
    return matrix, label, draw.random(count).astype(np.float32)


def streamed(whole: Part, cache: Path | None, size: int = 100) -> Streamed:
    def batches() -> Iterator[Part]:
        for at in range(0, len(whole[1]), size):
            yield whole[0][at:at + size], whole[1][at:at + size], whole[2][at:at + size]

    return Streamed(batches, None if cache is None else str(cache))


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("patience", [0, 5])
def test_batches_grow_the_same_bytes(tmp_path: Path, on_disk: bool, patience: int) -> None:
    training, validation = part(700, 1), part(300, 2) if patience else None
    at_once = grow(FEATURES, training, validation, rounds=40, patience=patience)
    cache = tmp_path if on_disk else None
    rows = streamed(training, cache and cache / "training")
    watched = None if validation is None else streamed(validation, cache and cache / "validation")
    grown = grow(FEATURES, rows, watched, rounds=40, patience=patience)
    assert grown.model == at_once.model
    again = Grown.of(grown.model)
    assert again.rounds == at_once.rounds
    assert again.predict(training[0]).tobytes() == at_once.predict(training[0]).tobytes()
    assert again.gains().tolist() == at_once.gains().tolist()
