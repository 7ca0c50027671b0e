"""The further columns of a log as numbers for the direct method's trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models import limits
from models.errors import BadInput
from models.evaluation.log import Integers, Matrix, Numbers

#: Columns of `kairos export` that came after the decision, or that say how it was made; the former would tell the trees
#: what they are to predict.
_AFTERWARDS: Final = frozenset({
    "label", "label_time_ms", "confirmed", "treatment", "propensity", "scorer_version", "evidence_version",
    "catalog_version", "degraded", "experiments", "customer", "weight",
})
#: Columns that describe the action that was shown, not the situation.
_OF_ACTION: Final = ("action.", "group.", "issue.", "tag.")


@dataclass(frozen=True, slots=True)
class Context:
    features: tuple[str, ...]
    #: float32[n, features], NaN where absent.
    matrix: Matrix
    #: Which columns are not used and why: sentences.
    notes: tuple[str, ...]


def context_of(table: pa.Table, required: tuple[str, ...], action: Integers, reward: Numbers) -> Context:
    """``action``: index of the shown action per row. Raises ``BadInput`` for columns that hold neither numbers, bools,
    text nor times.

    Left out are columns that follow from the shown action (the model knows it by itself, and of another action they
    would say the wrong thing), copies of the reward, and what `kairos export` writes about the time after the decision.
    """
    names = [name for name in table.column_names if name not in required]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput("columns of one name cannot be told apart; rename them or leave them out", [
            {"loc": ["log", name], "msg": f"the log has {names.count(name)} columns of this name"} for name in twice
        ])
    wrong = [name for name in names if not _named_reason(name) and not _usable(table.schema.field(name).type)]
    if wrong:
        raise BadInput("these columns of the log cannot be context; leave them out or write them as numbers or text", [
            {"loc": ["log", name], "msg": f"it holds {table.schema.field(name).type}"} for name in wrong
        ])
    features: list[str] = []
    columns: list[NDArray[np.float32]] = []
    left_out: dict[str, list[str]] = {}
    for name in names:
        reason = _named_reason(name)
        values = None if reason else _values(table.column(name))
        if values is not None and reason is None:
            reason = _told_reason(values[0], action, reward)
        if reason is not None or values is None:
            left_out.setdefault(str(reason), []).append(name)
            continue
        for label, column in zip(*_columns_of(name, *values), strict=True):
            features.append(label)
            columns.append(column)
    matrix = np.column_stack(columns).astype(np.float32) if columns else np.empty((len(action), 0), np.float32)
    notes = tuple(f"not used as context: {', '.join(found)} ({reason})" for reason, found in left_out.items())
    return Context(tuple(features), matrix, notes)


def _named_reason(name: str) -> str | None:
    if name in _AFTERWARDS:
        return "known only after the decision, or part of it"
    if name.startswith("__index_level_"):
        return "row numbers of pandas"
    return "describes the shown action" if name.startswith(_OF_ACTION) else None


def _told_reason(values: Numbers, action: Integers, reward: Numbers) -> str | None:
    filled = np.isfinite(values)
    if not filled.any() or (np.all(values[filled] == values[filled][0]) and filled.all()):
        return "the same in every row"
    if np.array_equal(values, reward):
        return "a copy of the reward"
    if len(values) >= 2 * (int(action.max()) + 1) and _follows(values, action):
        return "follows from the shown action"
    return None


def _follows(values: Numbers, action: Integers) -> bool:
    """Whether every action has one value in all its rows, while actions differ."""
    first = np.full(int(action.max()) + 1, -1, np.int64)
    order = np.arange(len(action))[::-1]
    first[action[order]] = order
    return bool(np.array_equal(values, values[first[action]], equal_nan=True))


def _values(column: Any) -> tuple[Numbers, list[str] | None]:
    """(numbers, names of the categories or None): text becomes the place of its value among all, commonest first."""
    type_ = column.type
    if pa.types.is_dictionary(type_):
        column = pc.cast(column, type_.value_type)
        type_ = column.type
    if _is_text(type_):
        coded = pc.cast(column, pa.large_string()).combine_chunks().dictionary_encode()
        coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
        codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        names = [str(name) for name in coded.dictionary.to_pylist()]
        counts = np.bincount(codes[codes >= 0], minlength=len(names))
        order = sorted(range(len(names)), key=lambda at: (-counts[at], names[at]))
        place = np.empty(len(names) + 1)
        place[order] = np.arange(len(names))
        place[-1] = np.nan
        return place[codes], [names[at] for at in order]
    if pa.types.is_temporal(type_):
        column = pc.cast(column, pa.int32() if pa.types.is_date32(type_) or pa.types.is_time32(type_) else pa.int64())
    elif pa.types.is_boolean(type_):
        column = pc.cast(column, pa.int8())
    return np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(), np.float64), None


def _columns_of(name: str, values: Numbers, categories: list[str] | None) -> tuple[list[str], list[Any]]:
    """Few categories get a column each, so that one split tells one apart."""
    if categories is None or len(categories) > limits.EVALUATION_CATEGORIES_MAX:
        bound = float(np.finfo(np.float32).max)
        return [name], [np.clip(values, -bound, bound).astype(np.float32)]
    return (
        [f"{name}={category}" for category in categories],
        [(values == place).astype(np.float32) for place in range(len(categories))],
    )


def _usable(type_: Any) -> bool:
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    return bool(
        pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_boolean(type_) or _is_text(type_)
        or pa.types.is_decimal(type_) or pa.types.is_temporal(type_) or pa.types.is_null(type_)
    )


def _is_text(type_: Any) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))
