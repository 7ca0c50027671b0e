"""Logs and policies out of Parquet files: column by column, a policy in batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cluster.evaluation_context import context_of
from models.errors import BadInput
from models.evaluation.checks import Fault, Listed, log_faults, matched, policy_faults, refuse
from models.evaluation.log import Integers, Log, Numbers, Policy, in_order

_LOG: Final = {
    "round_id": "id", "action": "id", "rank": "whole", "reward": "number", "selection_probability": "number",
}
_POLICY: Final = {"round_id": "id", "action": "id", "rank": "whole", "probability": "number"}
_MEANS: Final = {"id": "whole numbers or text", "whole": "whole numbers", "number": "numbers"}
#: Columns by which an export of Kairos is known.
_EXPORT: Final = frozenset({"label_time_ms", "confirmed", "catalog_version"})
_BATCH_ROWS: Final = 262_144


@dataclass(frozen=True, slots=True)
class Loaded:
    log: Log
    policy: Policy
    #: What was read in a certain way or left out: sentences.
    notes: tuple[str, ...]


def load(log_path: Path, policy_path: Path) -> Loaded:
    """Read and check both files. Raises ``BadInput`` with all that is wrong, as far as it can be told at once."""
    try:
        return _load(log_path, policy_path)
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"cannot read all of {log_path} and {policy_path}: {error}; write them again") from error


def _load(log_path: Path, policy_path: Path) -> Loaded:
    log_file, policy_file = _opened(log_path), _opened(policy_path)
    refuse([*_column_faults("log", log_file, _LOG), *_column_faults("policy", policy_file, _POLICY)])
    refuse(_apart(log_file, policy_file))
    log, rounds, actions, still_open, notes = _read_log(log_file)
    faults = log_faults(log)
    if not len(log):
        refuse(faults)
    listed, actions = _Reading(rounds, actions, still_open).read(policy_file)
    log = _with_actions(log, actions)
    position = matched(log, listed)
    refuse([*faults, *policy_faults(log, listed, position)])
    beyond = int(((position < 0) & (listed.round >= 0)).sum())
    if beyond:
        notes = (*notes, f"{beyond} rows of the policy are for ranks that the log lacks in their rounds: passed over")
    known = position >= 0
    return Loaded(log, in_order(position[known], listed.action[known], listed.probability[known]), notes)


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise BadInput(f"cannot read {path} as Parquet: {error}") from error


def _column_faults(file: str, opened: pq.ParquetFile, wanted: dict[str, str]) -> list[Fault]:
    """Columns that are missing, of the wrong kind, or (where they name something) not filled in every row."""
    schema, faults = opened.schema_arrow, []
    for name, kind in wanted.items():
        count = schema.names.count(name)
        if count != 1:
            what = "is missing" if not count else "is there more than once"
            faults.append(_fault(file, name, f"this column {what}; it must hold {_MEANS[kind]}. The file has: "
                                             f"{', '.join(schema.names[:20])}"))
            continue
        type_ = _plain(schema.field(name).type)
        if not _fits(type_, kind):
            faults.append(_fault(file, name, f"this column holds {type_}; it must hold {_MEANS[kind]}"))
        elif kind != "number":
            faults += _unfilled(file, name, kind, opened)
    return faults


def _unfilled(file: str, name: str, kind: str, opened: pq.ParquetFile) -> list[Fault]:
    missing = broken = seen = 0
    for column in _columns(opened, name):
        seen += len(column)
        missing += column.null_count
        if pa.types.is_floating(column.type):
            values = column.drop_null().to_numpy(zero_copy_only=False)
            missing += int(np.isnan(values).sum())
            broken += int((values[~np.isnan(values)] % 1.0 != 0.0).sum())
    faults = []
    if missing:
        faults.append(_fault(file, name, f"{missing} of {seen} rows hold nothing here; fill them in or drop them"))
    if broken:
        faults.append(_fault(file, name, f"{broken} of {seen} rows hold no whole number; it must hold {_MEANS[kind]}"))
    return faults


def _apart(log_file: pq.ParquetFile, policy_file: pq.ParquetFile) -> list[Fault]:
    """Ids that are text in one file and numbers in the other would never meet."""
    faults = []
    for name in ("round_id", "action"):
        kinds = [_plain(one.schema_arrow.field(name).type) for one in (log_file, policy_file)]
        if len({_is_text(kind) for kind in kinds}) > 1:
            faults.append(_fault("policy", name, f"it holds {kinds[1]}, that of the log {kinds[0]}; write the same ids "
                                                 "in the same type in both files"))
    return faults


def _read_log(opened: pq.ParquetFile) -> tuple[Log, pa.Array, pa.Array, pa.Array, tuple[str, ...]]:
    """The log; its round ids and its action ids, each once; the rounds that are left out since they are open."""
    table = opened.read(columns=list(dict.fromkeys([*_LOG, *opened.schema_arrow.names])))
    table, still_open = _closed(table)
    round_, rounds = _coded(table.column("round_id"))
    action, actions = _coded(table.column("action"))
    reward, rank = _numbers(table.column("reward")), _whole(table.column("rank"))
    context = context_of(table, tuple(_LOG), action, reward)
    log = Log(
        rounds.to_pylist(), actions.to_pylist(), round_, action, rank, reward,
        _numbers(table.column("selection_probability")), context.features, context.matrix, np.ones(len(reward)),
    )
    left = f"left out: {len(still_open)} rounds of the export whose outcome is still open"
    return log, rounds, actions, still_open, (*context.notes, *([left] if len(still_open) else []))


def _closed(table: pa.Table) -> tuple[pa.Table, pa.Array]:
    """An export of Kairos without the rounds that are open (there, a reward that is absent says so), and their ids."""
    ids = _ids(table.column("round_id"), None)
    if not _EXPORT.issubset(table.column_names):
        return table, ids.slice(0, 0)
    still_open = pc.unique(ids.filter(_one(pc.is_null(table.column("reward")))))
    return (table.filter(pc.invert(pc.is_in(ids, still_open))) if len(still_open) else table), still_open


def _with_actions(log: Log, actions: pa.Array) -> Log:
    return Log(log.round_ids, actions.to_pylist(), log.round, log.action, log.rank, log.reward, log.selection,
               log.features, log.context, log.above)


@dataclass(slots=True)
class _Reading:
    """A policy's rows as numbers, 28 bytes each."""

    rounds: pa.Array
    actions: pa.Array
    #: Rounds that the log left out: what the policy does there is passed over.
    still_open: pa.Array
    parts: list[tuple[NDArray[np.int32], Integers, NDArray[np.int32], Numbers]] = field(default_factory=list)
    strange_rows: int = 0
    strange: set[Any] = field(default_factory=set)

    def read(self, opened: pq.ParquetFile) -> tuple[Listed, pa.Array]:
        """The policy, and the action ids with those that it adds."""
        for batch in opened.iter_batches(_BATCH_ROWS, columns=list(_POLICY)):
            self._batch(batch)
        columns: list[Any] = [np.concatenate(part) for part in zip(*self.parts, strict=True)] or [np.empty(0)] * 4
        listed = Listed(
            columns[0].astype(np.int64), columns[1].astype(np.int64), columns[2].astype(np.int64), columns[3],
            self.strange_rows, len(self.strange), tuple(sorted(self.strange, key=repr)[:3]),
        )
        return listed, self.actions

    def _batch(self, batch: pa.RecordBatch) -> None:
        ids = _ids(batch.column("round_id"), self.rounds.type)
        if len(self.still_open):
            batch = batch.filter(pc.invert(pc.is_in(ids, self.still_open)))
            ids = _ids(batch.column("round_id"), self.rounds.type)
        round_ = pc.fill_null(pc.index_in(ids, self.rounds), -1).to_numpy(zero_copy_only=False)
        strange = round_ < 0
        if strange.any():
            self.strange_rows += int(strange.sum())
            self.strange.update(pc.unique(ids.filter(pa.array(strange))).to_pylist())
        names = _ids(batch.column("action"), self.actions.type)
        fresh = pc.unique(names.filter(pc.invert(pc.is_in(names, self.actions))))
        if len(fresh):
            self.actions = pa.concat_arrays([self.actions, fresh])
        action = pc.index_in(names, self.actions).to_numpy(zero_copy_only=False)
        self.parts.append((
            round_.astype(np.int32), _whole(batch.column("rank")), action.astype(np.int32),
            _numbers(batch.column("probability")),
        ))


def _columns(opened: pq.ParquetFile, name: str) -> Iterator[Any]:
    for batch in opened.iter_batches(_BATCH_ROWS, columns=[name]):
        column = batch.column(0)
        yield column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _coded(column: Any) -> tuple[Integers, pa.Array]:
    """(index of each row's id, the ids)."""
    whole = _ids(column, None)
    coded = whole.dictionary_encode()
    return coded.indices.to_numpy(zero_copy_only=False).astype(np.int64), coded.dictionary


def _ids(column: Any, type_: Any) -> Any:
    """Ids as int64 or large text, in one piece."""
    column = _one(column)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_uint64(column.type):  # hashes use all bits: those beyond int64 get names below 0
        column = column.view(pa.int64())
    wanted = type_ or (pa.large_string() if _is_text(column.type) else pa.int64())
    return column.cast(wanted)


def _one(column: Any) -> Any:
    """In one piece."""
    if isinstance(column, pa.ChunkedArray):
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return column


def _whole(column: Any) -> Integers:
    return np.asarray(_decoded(column).cast(pa.int64()).to_numpy(**_how(column)), np.int64)


def _numbers(column: Any) -> Numbers:
    """float64, NaN where absent."""
    decoded = _decoded(column)
    if pa.types.is_boolean(decoded.type):
        decoded = decoded.cast(pa.int8())
    return np.asarray(decoded.cast(pa.float64(), safe=False).to_numpy(**_how(column)), np.float64)


def _decoded(column: Any) -> Any:
    return pc.cast(column, column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _how(column: Any) -> dict[str, bool]:
    return {} if isinstance(column, pa.ChunkedArray) else {"zero_copy_only": False}


def _plain(type_: Any) -> Any:
    return type_.value_type if pa.types.is_dictionary(type_) else type_


def _is_text(type_: Any) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))


def _fits(type_: Any, kind: str) -> bool:
    whole = pa.types.is_integer(type_) or pa.types.is_floating(type_)  # a float column is looked at row by row
    if kind == "id":
        return whole or _is_text(type_)
    if kind == "whole":
        return bool(whole)
    return bool(whole or pa.types.is_decimal(type_) or pa.types.is_boolean(type_))


def _fault(file: str, column: str, message: str) -> Fault:
    return {"loc": [file, column], "msg": message}
