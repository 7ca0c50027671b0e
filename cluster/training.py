"""Where rows come from and where a trained scorer goes: Parquet files, the registry, reports, a live server."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from actors.scorer_registry import Scorers
from cluster.client import AsyncKairos, ClientError, RoleChanged
from cluster.reports import prepared
from models.errors import BadInput, KairosError
from models.scoring.manifest import Manifest, Objective
from models.scoring.rows import OPTIONAL, REQUIRED, Rows, Texts, feature_columns, from_columns
from models.scoring.training import HOLDOUT_DEFAULT, Trained, Watch, train

_TEXTS = ("action", "channel")


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
        wanted = [name for name in names if name in features or name in REQUIRED or name in OPTIONAL]
        told = _told_rows(source) if "confirmed" in names else None
        columns: dict[str, Any] = {}
        for done, name in enumerate(wanted):
            column = source.to_table(columns=[name]).column(0)
            columns[name] = _values(name, column if told is None else column.filter(told), path)
            watch(done + 1, len(wanted))
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"cannot read {path} as Parquet: {error}") from error
    return from_columns(columns, features, objective)


def _told_rows(source: ds.Dataset) -> pa.ChunkedArray:
    """Of an export: which rows were seen by somebody and have a label."""
    table = source.to_table(columns=["confirmed", "label"])
    return pc.and_(pc.fill_null(table.column(0), False), pc.is_valid(table.column(1)))


def _values(name: str, column: pa.ChunkedArray, path: Path) -> Any:
    if name in _TEXTS:
        return _texts(name, column, path)
    if not _is_number(column.type):
        raise BadInput(f"the column {name!r} of {path} holds {column.type}; a scorer learns from numbers and bools")
    if name in REQUIRED or name in OPTIONAL:
        return column.to_numpy()
    return column.cast(pa.float32() if pa.types.is_float32(column.type) else pa.float64()).to_numpy()


def _texts(name: str, column: pa.ChunkedArray, path: Path) -> Texts:
    try:
        texts = column.cast(pa.string()).fill_null("")
    except pa.ArrowException as error:
        raise BadInput(f"the column {name!r} of {path} holds {column.type}; it must hold text") from error
    if name in REQUIRED and column.null_count:
        raise BadInput(f"the column {name!r} of {path} is empty in {column.null_count} rows")
    coded = texts.combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    return Texts(coded.indices.to_numpy(zero_copy_only=False).astype(np.int32), tuple(coded.dictionary.to_pylist()))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


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
