"""Parquet columns as the arrays that ``models.scoring.rows`` reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.errors import BadInput
from models.scoring.rows import OPTIONAL, REQUIRED, Texts

_TEXTS = ("action", "channel")
#: What says which rows of an export are learnt from; there, in files of one's own every row is.
TELLING = ("confirmed", "label")


def wanted_columns(names: Sequence[str], features: Sequence[str]) -> list[str]:
    """Those that training reads, in file order."""
    return [name for name in names if name in features or name in REQUIRED or name in OPTIONAL]


def told_rows(table: pa.Table) -> pa.ChunkedArray:
    """Of a table with the columns ``TELLING``: which rows were seen by somebody and have a label."""
    confirmed, label = (table.column(name) for name in TELLING)
    return pc.and_(pc.fill_null(confirmed, False), pc.is_valid(label))


def values_of(name: str, column: pa.ChunkedArray, path: Path) -> Any:
    """The values of one column; ``path`` is where it lies. Raises ``BadInput`` when it holds what it must not."""
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
