"""Batches of rows as Parquet files, one row group each; written beside, and put in place once they are whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cluster.journal_rows import Batch
from models import limits
from models.errors import BadInput, KairosError

SUFFIX: Final = ".parquet"
_COMPRESSION: Final = "zstd"
#: Of the columns that are no features (``models.scoring.exported``).
_TYPES: Final[dict[str, Any]] = {
    "round_id": pa.string(), "action": pa.string(), "rank": pa.int32(), "reward": pa.float64(),
    "selection_probability": pa.float64(), "placement": pa.string(), "channel": pa.string(), "treatment": pa.string(),
    "time_ms": pa.int64(), "label": pa.uint8(), "label_time_ms": pa.int64(), "confirmed": pa.bool_(),
    "propensity": pa.float64(), "scorer_version": pa.string(), "evidence_version": pa.int64(),
    "catalog_version": pa.string(), "degraded": pa.bool_(), "experiments": pa.map_(pa.string(), pa.string()),
    "customer": pa.string(),
}


def schema_of(features: Sequence[str], *, customers: bool) -> pa.Schema:
    plain = [(name, kind) for name, kind in _TYPES.items() if customers or name != "customer"]
    return pa.schema([*plain, *((name, pa.float32()) for name in features)])


def table_of(batch: Batch, schema: pa.Schema) -> pa.Table:
    """A batch whose columns are those of the schema; NaN is null."""
    arrays = [pa.array(values, schema.field(name).type) for name, values in batch.plain.items()]
    arrays += [pa.array(np.ascontiguousarray(column), from_pandas=True) for column in batch.matrix.T]
    return pa.Table.from_arrays(arrays, schema=schema)


@dataclass(slots=True)
class RowFiles:
    """Part files in a folder. A new one begins with each shard, when the feature columns change, and when one is
    full."""

    folder: Path
    customers: bool
    #: Rows after which a file is full.
    file_rows: int = limits.EXPORT_FILE_ROWS
    #: Oldest first, with their feature columns.
    parts: list[tuple[Path, tuple[str, ...]]] = field(default_factory=list)
    _writer: Any = None
    _rows: int = 0
    _shard: int = -1

    def write(self, shard: int, batch: Batch) -> None:
        if self._writer is not None and (
            shard != self._shard or self._rows >= self.file_rows or self.parts[-1][1] != batch.features
        ):
            self.end()
        if self._writer is None:
            self._begin(shard, batch.features)
        self._writer.write_table(table_of(batch, self._writer.schema))
        self._rows += len(batch.matrix)

    def end(self) -> None:
        """What was written is whole."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def conform(self, wanted: tuple[str, ...]) -> list[Path]:
        """All files, with the same columns: those of the others are written again. At least one file."""
        self.end()
        schema = schema_of(wanted, customers=self.customers)
        if not self.parts:
            self._begin(0, wanted)
            self.end()
        for path, features in self.parts:
            if features != wanted:
                again = path.with_suffix(".again")
                merge([path], schema, again)
                again.replace(path)
        return [path for path, _ in self.parts]

    def _begin(self, shard: int, features: tuple[str, ...]) -> None:
        path = self.folder / f"shard-{shard:04d}-{len(self.parts):05d}{SUFFIX}"
        schema = schema_of(features, customers=self.customers)
        self._writer = pq.ParquetWriter(path, schema, compression=_COMPRESSION)
        self.parts.append((path, features))
        self._shard, self._rows = shard, 0


def merge(paths: Sequence[Path], schema: pa.Schema, into: Path) -> None:
    """The row groups of some files in one, with the columns of ``schema``; null for what a file lacks."""
    with pq.ParquetWriter(into, schema, compression=_COMPRESSION) as writer:
        for path in paths:
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    writer.write_table(_with_columns(file.read_row_group(group), schema))


def _with_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    known = set(table.column_names)
    arrays = [
        table.column(one.name) if one.name in known else pa.nulls(len(table), one.type) for one in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


@contextmanager
def in_place(target: Path) -> Iterator[Path]:
    """A folder to write in, on the disk of ``target``; gone afterwards, however it ends. Raises ``BadInput`` when there
    is such a file or folder already, ``KairosError`` when there can be none."""
    if target.exists():
        raise BadInput(f"{target} exists already; name another place, or remove it first")
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """What the disk refuses, as a ``KairosError`` that names ``target``."""
    try:
        yield
    except OSError as error:
        raise KairosError(f"cannot write {target}: {error}; make room, or name another place") from error


def put(made: Path, target: Path) -> None:
    """A whole file or folder becomes ``target`` at once, and stays."""
    for path in sorted(made.iterdir()) if made.is_dir() else [made]:
        _sync(path)
    if made.is_dir():
        made.chmod(0o755)  # as `mkdir` would have made it; the drawn name was for nobody else
        _sync(made)
    made.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
