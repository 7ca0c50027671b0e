"""Aggregates as plain lists: ``[id, kind, definition, *fields]``; what can be computed is not stored."""

from __future__ import annotations

import struct
from typing import Any

from models.errors import InvariantBroken
from models.profile.distinct import Distinct
from models.profile.extreme import Extreme
from models.profile.newest import Decayed, Newest
from models.profile.packing_columns import Columns, ColumnTable
from models.profile.running import Running
from models.profile.windows import Aggregate

_RUNNING, _EXTREME, _DISTINCT, _NEWEST, _DECAYED = range(5)


def encode(id_: str, held: Aggregate, table: ColumnTable) -> list[Any]:
    fields: list[Any]
    rest: list[Any]
    if isinstance(held, Running):
        fields = [_RUNNING, held.definition, table.add(held.times), table.add(held.micros)]
        if not held.buckets and not held.pending:
            return [id_, *fields]
        rest = [[table.add(column) for column in zip(*held.buckets, strict=True)]]
    elif isinstance(held, Extreme):
        fields = [_EXTREME, held.definition, table.add(held.times), held.values]
        rest = [held.buckets]
    elif isinstance(held, Distinct):
        hashes = struct.pack(f">{len(held.seen)}Q", *held.seen)
        fields = [_DISTINCT, held.definition, table.add(tuple(held.seen.values())), hashes]
        rest = []
    else:
        kind = _NEWEST if isinstance(held, Newest) else _DECAYED
        fields = [kind, held.definition, held.time_ms, held.value]
        rest = []
    if held.pending:
        return [id_, *fields, held.pending, *rest]
    return [id_, *fields, 0, *rest] if any(rest) else [id_, *fields]


def decode(wire: list[Any], columns: Columns) -> tuple[str, Aggregate]:
    id_, kind, definition, times, values, *rest = wire
    waiting = rest[0] if rest and rest[0] else ()
    pending: Any = tuple((time_ms, tuple(value) if kind == _DISTINCT else value) for time_ms, value in waiting)
    buckets: list[Any] = rest[1] if len(rest) > 1 else []
    if kind == _RUNNING:
        return id_, _running(definition, pending, columns, times, values, buckets)
    if kind == _EXTREME:
        old = tuple((time_ms, value) for time_ms, value in buckets)
        return id_, Extreme(definition, pending, columns[times], tuple(values), old)
    if kind == _DISTINCT:
        hashes = struct.unpack(f">{len(values) // 8}Q", values)
        return id_, Distinct(definition, pending, dict(zip(hashes, columns[times], strict=True)))
    if kind == _NEWEST:
        return id_, Newest(definition, pending, times, values)
    if kind == _DECAYED:
        return id_, Decayed(definition, pending, times, values)
    raise InvariantBroken(f"a packed profile holds the unknown aggregate kind {kind!r}")


def _running(
    definition: bytes, pending: Any, columns: Columns, times_at: int, micros_at: int, buckets_at: list[int]
) -> Running:
    times, micros = columns[times_at], columns[micros_at]
    old = [columns[at] for at in buckets_at]
    buckets = tuple(zip(*old, strict=True)) if old else ()
    count = len(times) + (sum(old[1]) if old else 0)
    total = sum(micros) + (sum(old[2]) if old else 0)
    return Running(definition, pending, times, micros, buckets, count, total)
