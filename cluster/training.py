"""Where rows come from and where a trained scorer goes: Parquet files, the registry, reports, a live server."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from actors.scorer_registry import Scorers
from cluster.client import AsyncKairos, ClientError, RoleChanged
from cluster.reports import prepared
from cluster.row_tables import TELLING, told_rows, values_of, wanted_columns
from models.errors import BadInput, KairosError
from models.scoring.manifest import Manifest, Objective
from models.scoring.rows import Rows, feature_columns, from_columns
from models.scoring.training import HOLDOUT_DEFAULT, Trained, Watch, train


class Stopwatch:
    """Passes on what a training says of its stages, and how long each took."""

    def __init__(self, watch: Watch = lambda stage, done, of: None) -> None:
        self._watch = watch
        self._stage = ""
        self._since = time.perf_counter()
        #: Seconds by stage, as long as it was the last one named.
        self.seconds: dict[str, float] = {}

    def __call__(self, stage: str, done: int, of: int) -> None:
        self.lap(stage)
        self._watch(stage, done, of)

    def lap(self, stage: str = "") -> dict[str, float]:
        """Begin a stage, unless it runs; the seconds so far."""
        if stage != self._stage:
            now = time.perf_counter()
            if self._stage:
                self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
            self._stage, self._since = stage, now
        return {name: round(seconds, 3) for name, seconds in self.seconds.items()}


def read_rows(
    path: Path, objective: Objective = "probability", watch: Callable[[int, int], None] = lambda done, of: None,
) -> Rows:
    """Rows from a Parquet file, or a folder of them (columns: ``models.scoring.rows``). ``watch`` hears (columns done,
    of). Raises ``BadInput`` naming what is wrong."""
    try:
        source = ds.dataset(path, format="parquet")
        names = source.schema.names
        features = feature_columns(names)
        wanted = wanted_columns(names, features)
        told = told_rows(source.to_table(columns=list(TELLING))) if TELLING[0] in names else None
        columns: dict[str, Any] = {}
        for done, name in enumerate(wanted):
            column = source.to_table(columns=[name]).column(0)
            columns[name] = values_of(name, column if told is None else column.filter(told), path)
            watch(done + 1, len(wanted))
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"cannot read {path} as Parquet: {error}") from error
    return from_columns(columns, features, objective)


def write_rows(columns: Mapping[str, Any], path: Path) -> None:
    """Columns as a Parquet file, NaN as null."""
    arrays = {
        name: pa.array(values, from_pandas=True) if isinstance(values, np.ndarray) else pa.array(values)
        for name, values in columns.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(arrays), path)


def register(trained: Trained, registry: Scorers, folder: Path | None, seconds: Mapping[str, float]) -> None:
    """Add a scorer to an installation's registry, and its report to ``folder`` (None: no report). Interrupted, there
    is neither."""
    if folder is None:
        registry.register(trained.model, trained.manifest)
        return
    with prepared({**trained.report, "seconds": dict(seconds)}, folder) as keep:
        registry.register(trained.model, trained.manifest)
        keep()


def train_and_register(rows: Rows, registry: Scorers, created_ms: int, holdout: float = HOLDOUT_DEFAULT) -> Manifest:
    """Train on rows and add the scorer to an installation's registry, without a report. Raises ``BadInput``."""
    trained = train(rows, created_ms, holdout=holdout)
    register(trained, registry, None, {})
    return trained.manifest


async def promote(client: AsyncKairos, version: str) -> RoleChanged:
    """Make a registered scorer the champion of a live server; it is refused when it does not fit the catalog."""
    try:
        return await client.promote(version)
    except ClientError as error:
        raise KairosError(f"scorer {version} is registered, but the server did not promote it: {error}") from error
