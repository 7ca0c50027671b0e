"""What is read of the files, by the driver and by the workers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.dataset as ds

from cluster.row_tables import TELLING, told_rows, values_of, wanted_columns
from models.errors import BadInput
from models.scoring.rows import Rows, feature_columns, from_columns


@dataclass(frozen=True, slots=True)
class Reading:
    """The files of one training."""

    place: Path
    #: In the order in which ``cluster.training.read_rows`` reads them.
    files: tuple[str, ...]
    #: Those that are read.
    columns: tuple[str, ...]
    #: As scorers read them.
    features: tuple[str, ...]

    @classmethod
    def of(cls, place: Path) -> Self:
        """Looks at the schema alone. Raises ``BadInput`` naming what is wrong."""
        try:
            source = ds.dataset(place, format="parquet")
        except (OSError, pa.ArrowException) as error:
            raise BadInput(f"cannot read {place} as Parquet: {error}") from error
        names = source.schema.names
        features = feature_columns(names)
        return cls(place, tuple(source.files), tuple(wanted_columns(names, features)), features)

    def nothing(self) -> pa.Table:
        """A table without rows."""
        return ds.dataset(list(self.files), format="parquet").schema.empty_table()

    def rows(self, table: pa.Table) -> Rows:
        """The rows of a table that are learnt from, in time order. Raises ``BadInput``."""
        if TELLING[0] in self.columns:
            table = table.filter(told_rows(table))
        columns = {name: values_of(name, table.column(name), self.place) for name in self.columns}
        return from_columns(columns, self.features)
