"""Rows to learn from: one per item that was really shown, with what was known when it was chosen.

As a Parquet file (``kairos train --rows FILE.parquet``) the columns are:

| column | type | |
|---|---|---|
| ``time_ms`` | int64 | when the item was chosen, milliseconds since 1970 UTC |
| ``action`` | string | which action was shown |
| ``label`` | 0, 1 or bool | accepted within the action's ``accept.within``? |
| ``label_time_ms`` | int64, optional | when the label was final; before that nobody may learn from the row |
| ``weight`` | number, optional | 1 where absent |
| ``channel`` | string, optional | where it was shown; without it, the column ``channel.<id>`` that is 1 |
| ``confirmed`` | bool, optional | in an export: rows that nobody saw, or without a label, are not learnt from |
| every other column with a feature's prefix | number or bool | a feature, named as in ``matrix``; null is absent |

Columns of other names are no features and not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.errors import BadInput
from models.scoring.manifest import CUSTOMER_PREFIXES, Objective

REQUIRED: Final = ("time_ms", "action", "label")
OPTIONAL: Final = ("label_time_ms", "weight", "channel", "confirmed")
#: How a column begins that is a feature.
FEATURE_PREFIXES: Final = (*CUSTOMER_PREFIXES, "action.", "group.", "issue.", "tag.")

Matrix = NDArray[np.float32]
#: 0 or 1 (uint8), or amounts (float32).
Label = NDArray[np.uint8] | NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Texts:
    """n texts of few kinds."""

    #: int32[n], places in ``names``.
    codes: NDArray[np.int32]
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: Sequence[str]) -> Self:
        places: dict[str, int] = {}
        codes = np.fromiter((places.setdefault(str(one), len(places)) for one in values), np.int32, len(values))
        return cls(codes, tuple(places))

    def __getitem__(self, rows: Any) -> Texts:
        return Texts(self.codes[rows], self.names)

    def counts(self) -> dict[str, int]:
        """How many rows have each text; by name, those that occur."""
        found = np.bincount(self.codes, minlength=len(self.names)).tolist()
        return {name: count for name, count in sorted(zip(self.names, found, strict=True)) if count}


@dataclass(frozen=True, slots=True)
class Rows:
    """n rows, oldest first."""

    features: tuple[str, ...]
    #: int64[n]
    time_ms: NDArray[np.int64]
    #: int64[n], never before ``time_ms``.
    label_time_ms: NDArray[np.int64]
    actions: Texts
    #: None when it is not known.
    channels: Texts | None
    #: uint8[n], 0 or 1; float32[n] where numbers are learnt.
    label: Label
    #: float32[n]
    weight: NDArray[np.float32]
    #: float32[n, features], NaN where absent.
    matrix: Matrix

    def __len__(self) -> int:
        return len(self.label)

    def part(self, mask: Mask) -> tuple[Matrix, Label, NDArray[np.float32]]:
        """(matrix, label, weight) of some rows; not copied when they lie together."""
        which = together(mask)
        return self.matrix[which], self.label[which], self.weight[which]

    def only(self, features: Sequence[str]) -> Rows:
        """The same rows with these features alone, in this order."""
        if tuple(features) == self.features:
            return self
        at = {name: column for column, name in enumerate(self.features)}
        return replace(self, features=tuple(features), matrix=self.matrix[:, [at[name] for name in features]])


def together(mask: Mask) -> slice | Mask:
    """The rows of a mask as a slice, which copies nothing, when no other row lies between them."""
    places = np.flatnonzero(mask)
    if not len(places) or places[-1] - places[0] + 1 != len(places):
        return mask
    return slice(int(places[0]), int(places[-1]) + 1)


def feature_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The columns that are features, in the order in which a scorer reads them: customer columns first, else that of
    the file. Raises ``BadInput`` naming every required column that lacks."""
    missing = [name for name in REQUIRED if name not in names]
    found = [name for name in names if name.startswith(FEATURE_PREFIXES)]
    errors = [{"loc": [name], "msg": "this column is missing"} for name in missing]
    if not found:
        errors.append({"loc": [], "msg": "no feature column, like profile.baskets_28d or action.value"})
    twice = sorted({name for name in names if list(names).count(name) > 1})
    errors += [{"loc": [name], "msg": "two columns bear this name"} for name in twice]
    if errors:
        raise BadInput("these rows cannot train a scorer; see `kairos train --help` for the columns", errors)
    return tuple(sorted(found, key=lambda name: not name.startswith(CUSTOMER_PREFIXES)))


def from_columns(columns: Mapping[str, Any], features: Sequence[str], objective: Objective = "probability") -> Rows:
    """Arrays by name -> rows in time order. Raises ``BadInput`` when a column holds what it must not.

    ``action`` and ``channel`` are sequences of text, or ``Texts``.
    """
    time_ms = _instants(columns["time_ms"], "time_ms")
    count = len(time_ms)
    final = _instants(columns["label_time_ms"], "label_time_ms") if "label_time_ms" in columns else time_ms
    matrix = np.empty((count, len(features)), np.float32)
    for column, name in enumerate(features):
        matrix[:, column] = _numbers(columns[name], name)
    rows = Rows(
        features=tuple(features), time_ms=time_ms, label_time_ms=np.maximum(final, time_ms),
        actions=_texts(columns["action"]), channels=_channels(columns, features, matrix),
        label=_label(columns["label"]) if objective == "probability" else _amounts(columns["label"]),
        weight=_weight(columns["weight"]) if "weight" in columns else np.ones(count, np.float32), matrix=matrix,
    )
    return rows if np.all(time_ms[1:] >= time_ms[:-1]) else _sorted(rows)


def _sorted(rows: Rows) -> Rows:
    order = np.argsort(rows.time_ms, kind="stable")
    return Rows(
        rows.features, rows.time_ms[order], rows.label_time_ms[order], rows.actions[order],
        None if rows.channels is None else rows.channels[order], rows.label[order], rows.weight[order],
        rows.matrix[order],
    )


def _texts(values: Any) -> Texts:
    return values if isinstance(values, Texts) else Texts.of(values)


def _channels(columns: Mapping[str, Any], features: Sequence[str], matrix: Matrix) -> Texts | None:
    if "channel" in columns:
        return _texts(columns["channel"])
    at = [column for column, name in enumerate(features) if name.startswith("channel.")]
    if not at:
        return None
    known = matrix[:, at] == 1.0
    codes = np.where(known.any(axis=1), known.argmax(axis=1), len(at)).astype(np.int32)
    return Texts(codes, (*(features[column].partition(".")[2] for column in at), ""))


def _instants(values: Any, name: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise BadInput(f"the column {name!r} must hold whole milliseconds since 1970 in every row")
    wrong = (array < 0) | (array > limits.ROW_TIME_MS_MAX)
    if wrong.any():
        raise BadInput(
            f"the column {name!r} holds {array[wrong][0]} in one of {int(wrong.sum())} wrong rows; it must hold "
            "milliseconds since 1970 (not microseconds), never negative"
        )
    return array.astype(np.int64)


def _label(values: Any) -> NDArray[np.uint8]:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf" or not np.all((array == 0) | (array == 1)):
        raise BadInput("the column 'label' must hold 0 or 1 in every row")
    return array.astype(np.uint8)


def _amounts(values: Any) -> NDArray[np.float32]:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf" or not np.all(np.abs(array.astype(np.float64)) <= limits.ROW_NUMBER_ABS_MAX):
        raise BadInput(
            f"the column 'label' must hold a number between -{limits.ROW_NUMBER_ABS_MAX:g} and "
            f"{limits.ROW_NUMBER_ABS_MAX:g} in every row"
        )
    return array.astype(np.float32)


def _weight(values: Any) -> NDArray[np.float32]:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf" or not np.all((array >= 0) & (array <= limits.ROW_NUMBER_ABS_MAX)):
        raise BadInput("the column 'weight' holds a negative, missing or endless number; weights are 0 or more")
    return array.astype(np.float32)


def _numbers(values: Any, name: str) -> NDArray[np.float32]:
    if isinstance(values, np.ndarray) and values.dtype == np.float32 and not np.isinf(values).any():
        return values
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(f"the column {name!r} is a feature and must hold numbers or bools") from error
    endless = int(np.isinf(array).sum())
    if endless:
        raise BadInput(f"the column {name!r} is infinite in {endless} rows; leave a number that is not known empty")
    limit = float(np.finfo(np.float32).max)
    return np.clip(array, -limit, limit).astype(np.float32)
