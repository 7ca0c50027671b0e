"""Rows in several files, and shares of them as workers take them, without Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from cluster.many_rows.growing import Job
from cluster.many_rows.passes import Answer
from cluster.many_rows.reading import Reading
from cluster.many_rows.share import Share, gathered
from cluster.training import write_rows
from models.scoring.rows import Rows

START_MS = 1_700_000_000_000


def folder(place: Path, count: int = 1_200, files: int = 3, seed: int = 4, **changed: Any) -> Path:
    """Rows that are nearly in time order; some decided at one instant, some labels late, some nulls."""
    draw = np.random.default_rng(seed)
    time_ms = START_MS + np.sort(draw.integers(0, count * 500, count)) // 700 * 700
    time_ms[::11] -= 5_000
    visits, noise, odd = draw.normal(size=(3, count))
    which = draw.integers(0, 4, count)
    columns = {
        "time_ms": time_ms, "label_time_ms": time_ms + draw.integers(0, 4_000, count),
        "action": [("first", "second ☃", "third")[one] for one in draw.integers(0, 3, count)],
        "label": (draw.random(count) < 1 / (1 + np.exp(0.5 - 2 * visits))).astype(np.uint8),
        "profile.visits": np.where(draw.random(count) < 0.1, np.nan, visits), "profile.noise": noise,
        "profile.idle": np.ones(count), "action.value": np.round(odd, 1), "note": ["not read"] * count,
        "group.one": which == 1, "group.others": np.where(which == 2, np.nan, which > 2), "issue.grow": which > 0,
    } | changed
    for number, which in enumerate(np.array_split(np.arange(count), files)):
        write_rows({name: _some(values, which) for name, values in columns.items()}, place / f"part-{number}.parquet")
    return place


def _some(values: Any, which: Any) -> Any:
    return values[which] if isinstance(values, np.ndarray) else [values[at] for at in which]


class LocalShares:
    """What the workers of a cluster answer. Only one of them can grow trees: they would have to do it together."""

    def __init__(self, rows: Path, place: Path, workers: int = 1, block_rows: int = 101) -> None:
        reading = Reading.of(rows)
        blocks = list(ds.dataset(list(reading.files), format="parquet").to_batches(batch_size=block_rows))

        def batches(worker: int) -> Iterator[Rows]:
            for block in blocks[worker::workers]:
                yield reading.rows(pa.Table.from_batches([block]))

        self._shares = []
        for worker in range(workers):
            (place / f"{worker}").mkdir(parents=True)
            self._shares.append(gathered(batches(worker), reading.features, place / f"{worker}"))

    def ask(self, question: Callable[[Share], Answer]) -> list[Answer]:
        return [question(share) for share in self._shares]

    def grow(self, job: Job, on_round: Callable[[int], None]) -> bytes:
        (share,) = self._shares
        return job.done(share, threads=1, workers=1, on_round=on_round)
