"""What a store holds of one owner, and the one way to change it: a list of operations, all of them or none.

An operation is plain data, so that it can stand in a log on a disk that tears.
"""

from __future__ import annotations

from typing import Any

from actors.journal.interface import Base, Checkpoint, IndexEntry, Row, StoredProfile
from actors.journal.keyring import StoredKey
from models import limits

Operation = tuple[Any, ...]


class Tables:
    def __init__(self) -> None:
        self.epoch = self.last_seq = self.incarnation = 0
        self.owner = ""
        #: Every take-over ever: (epoch, last sequence at that time, owner); for the checker alone.
        self.lineage: list[tuple[int, int, str]] = []
        self.log: dict[int, Row] = {}
        #: Rows that were truncated, and keys that were destroyed: for the checker alone.
        self.gone: dict[int, Row] = {}
        self.attic: dict[tuple[bytes, int], StoredKey] = {}
        self.checkpoints: dict[int, Checkpoint] = {}
        self.profiles: dict[bytes, StoredProfile] = {}
        self.base: Base | None = None
        self.base_profiles: dict[bytes, StoredProfile] = {}
        self.keys: dict[tuple[int, bytes, bytes], IndexEntry] = {}
        self.touched: dict[bytes, dict[int, list[int]]] = {}
        self.secrets: dict[tuple[bytes, int], StoredKey] = {}
        self.wrapping: dict[int, bytes] = {}
        self.destroyed: dict[bytes, tuple[int, int]] = {}

    def apply(self, operations: list[Operation]) -> None:
        for name, *values in operations:
            getattr(self, f"_{name}")(*values)

    def every_row(self) -> list[Row]:
        """The whole log, truncated rows and all."""
        rows = self.gone | self.log
        return [rows[seq] for seq in sorted(rows)]

    def _own(self, epoch: int, owner: str, incarnation: int) -> None:
        self.epoch, self.owner, self.incarnation = epoch, owner, incarnation
        self.lineage.append((epoch, self.last_seq, owner))

    def _row(self, seq: int, epoch: int, batch_id: bytes, payload: bytes, at_ms: int) -> None:
        self.last_seq = seq
        self.log[seq] = Row(seq, epoch, batch_id, payload, at_ms)

    def _cut(self, below: int) -> None:
        for seq in [seq for seq in self.log if seq < below]:
            self.gone[seq] = self.log.pop(seq)

    def _checkpoint(self, seq: int, at_ms: int, state: bytes) -> None:
        self.checkpoints[seq] = Checkpoint(seq, at_ms, state)

    def _thin(self, seq: int) -> None:
        del self.checkpoints[seq]

    def _profile(self, *values: Any) -> None:
        self.profiles[values[0]] = StoredProfile(*values)

    def _forget(self, customer: bytes) -> None:
        self.profiles.pop(customer, None)
        self.base_profiles.pop(customer, None)

    def _key(self, *values: Any) -> None:
        entry = IndexEntry(*values)
        self.keys[entry.at_ms // limits.KEY_PERIOD_MS, entry.customer, entry.key] = entry

    def _drop(self, period: int, customer: bytes, key: bytes) -> None:
        del self.keys[period, customer, key]

    def _touch(self, customer: bytes, seqs: list[int]) -> None:
        self.touched.setdefault(customer, {})[seqs[-1]] = list(seqs)

    def _rest(self, seq: int, at_ms: int, state: bytes) -> None:
        self.base = Base(seq, at_ms, state)

    def _rest_profile(self, *values: Any) -> None:
        self.base_profiles[values[0]] = StoredProfile(*values)

    def _rest_forget(self, customer: bytes) -> None:
        self.base_profiles.pop(customer, None)

    def _secret(self, *values: Any) -> None:
        key = StoredKey(*values)
        self.secrets[key.customer, key.generation] = self.attic[key.customer, key.generation] = key

    def _wrap(self, month: int, wrapped: bytes) -> None:
        self.wrapping[month] = wrapped

    def _destroy(self, customer: bytes, generation: int, at_ms: int) -> None:
        for owner in [owner for owner in self.secrets if owner[0] == customer and owner[1] <= generation]:
            del self.secrets[owner]
        if self.destroyed.get(customer, (0, 0))[0] < generation:
            self.destroyed[customer] = (generation, at_ms)
