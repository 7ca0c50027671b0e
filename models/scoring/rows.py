"""Rows to learn from: one per item that was really shown, with what was known when it was chosen.

As a Parquet file (``kairos train --rows FILE.parquet``) the columns are:

| column | type | |
|---|---|---|
| ``time_ms`` | int64 | when the item was chosen, milliseconds since 1970 UTC |
| ``action`` | string | which action was shown |
| ``label`` | 0, 1 or bool | accepted within the action's ``accept.within``? |
| ``label_time_ms`` | int64, optional | when the label was final; before that nobody may learn from the row |
| ``weight`` | number, optional | 1 where absent |
| every other column | number or bool | a feature, named as in ``models.scoring.matrix``; null is absent |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.errors import BadInput

REQUIRED: Final = ("time_ms", "action", "label")
OPTIONAL: Final = ("label_time_ms", "weight")


@dataclass(frozen=True, slots=True)
class Rows:
    """n rows, oldest first."""

    features: tuple[str, ...]
    #: int64[n]
    time_ms: NDArray[np.int64]
    #: int64[n], never before ``time_ms``.
    label_time_ms: NDArray[np.int64]
    actions: tuple[str, ...]
    #: uint8[n], 0 or 1.
    label: NDArray[np.uint8]
    #: float32[n]
    weight: NDArray[np.float32]
    #: float32[n, features], NaN where absent.
    matrix: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.label)

    def part(self, mask: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32]]:
        """(matrix, label, weight) of some rows."""
        return self.matrix[mask], self.label[mask], self.weight[mask]


def feature_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The columns that are features, in file order; raises ``BadInput`` naming every required column that lacks."""
    missing = [name for name in REQUIRED if name not in names]
    features = tuple(name for name in names if name not in REQUIRED and name not in OPTIONAL)
    errors = [{"loc": [name], "msg": "this column is missing"} for name in missing]
    if not features:
        errors.append({"loc": [], "msg": "no feature column, like profile.baskets_28d or action.value"})
    if errors:
        raise BadInput("these rows cannot train a scorer; see `kairos train --help` for the columns", errors)
    return features


def from_columns(columns: Mapping[str, Any], features: Sequence[str]) -> Rows:
    """Arrays by name -> rows in time order. Raises ``BadInput`` when a column holds what it must not."""
    time_ms = _integers(columns["time_ms"], "time_ms")
    count = len(time_ms)
    label = _label(columns["label"])
    final = _integers(columns["label_time_ms"], "label_time_ms") if "label_time_ms" in columns else time_ms
    weight = np.asarray(columns["weight"], np.float32) if "weight" in columns else np.ones(count, np.float32)
    if not np.all(np.isfinite(weight)) or np.any(weight < 0):
        raise BadInput("the column 'weight' holds a negative or missing number; weights are 0 or more")
    matrix = np.empty((count, len(features)), np.float32)
    for column, name in enumerate(features):
        matrix[:, column] = _numbers(columns[name], name)
    order = np.argsort(time_ms, kind="stable")
    actions = [str(action) for action in columns["action"]]
    return Rows(
        features=tuple(features), time_ms=time_ms[order], label_time_ms=np.maximum(final, time_ms)[order],
        actions=tuple(actions[index] for index in order), label=label[order], weight=weight[order],
        matrix=matrix[order],
    )


def _integers(values: Any, name: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise BadInput(f"the column {name!r} must hold whole milliseconds since 1970 in every row")
    return array.astype(np.int64)


def _label(values: Any) -> NDArray[np.uint8]:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf" or not np.all((array == 0) | (array == 1)):
        raise BadInput("the column 'label' must hold 0 or 1 in every row")
    return array.astype(np.uint8)


def _numbers(values: Any, name: str) -> NDArray[np.float32]:
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(f"the column {name!r} is a feature and must hold numbers or bools") from error
    limit = float(np.finfo(np.float32).max)
    return np.clip(array, -limit, limit).astype(np.float32)
