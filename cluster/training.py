"""Where rows come from and where a trained scorer goes: Parquet files, journals, the registry, a live server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from actors.scorer_registry import Scorers
from cluster.client import AsyncKairos, ClientError, Promoted
from models.errors import BadInput, KairosError
from models.scoring.manifest import Manifest
from models.scoring.rows import Rows, feature_columns, from_columns
from models.scoring.training import HOLDOUT_DEFAULT, train


def read_rows(path: Path) -> Rows:
    """Rows from a Parquet file (columns: ``models.scoring.rows``). Raises ``BadInput`` naming what is wrong."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise BadInput(f"cannot read {path} as Parquet: {error}") from error
    features = feature_columns(table.column_names)
    columns: dict[str, Any] = {}
    for name in table.column_names:
        column = table.column(name)
        if name == "action":
            columns[name] = column.to_pylist()
        elif not _is_number(column.type):
            raise BadInput(f"the column {name!r} of {path} holds {column.type}; a scorer learns from numbers and bools")
        elif name in features:
            columns[name] = column.cast(pa.float64()).to_numpy()
        else:
            columns[name] = column.to_numpy()
    return from_columns(columns, features)


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


def train_and_register(rows: Rows, registry: Scorers, created_ms: int, holdout: float = HOLDOUT_DEFAULT) -> Manifest:
    """Train on rows and add the scorer to an installation's registry. Raises ``BadInput``."""
    trained = train(rows, created_ms, holdout=holdout)
    registry.register(trained.model, trained.manifest)
    return trained.manifest


async def promote(client: AsyncKairos, version: str) -> Promoted:
    """Make a registered scorer the champion of a live server; it is refused when it does not fit the catalog."""
    try:
        return await client.promote(version)
    except ClientError as error:
        raise KairosError(f"scorer {version} is registered, but the server did not promote it: {error}") from error
