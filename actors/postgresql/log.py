"""The rows of a journal: one statement, one round trip and one commit for each append."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from actors.journal import records
from actors.journal.interface import Row
from actors.postgresql.ownership import Ownership
from models import limits
from models.errors import Fenced, JournalFailed

_MOVE: Final = """
WITH g AS (UPDATE shard_owner SET last_seq = %s WHERE owner = %s AND epoch = %s AND last_seq = %s RETURNING owner)
"""
_INSERT: Final = f"""
INSERT INTO shard_log (owner, {records.ROW}) SELECT owner, %s, %s, %s, %s, %s, %s FROM g RETURNING seq
"""


class Rider(NamedTuple):
    """A data-changing statement that goes with the next append: in its statement, round trip and commit, under its
    fence. It selects from ``g``, which has one row (``owner``) when the append succeeds and none otherwise."""

    statement: str
    #: Each a list of the same length, for ``unnest``: what waits under one statement goes as one.
    values: tuple[list[Any], ...]


class Log(Ownership):
    #: What goes with the next append. A turn that is not appended after all leaves it for the one after.
    _riders: tuple[Rider, ...] = ()

    def ride(self, rider: Rider) -> None:
        """Have ``rider`` done with the next append: both are durable, or neither is."""
        waiting = {known.statement: known.values for known in self._riders}
        before = waiting.get(rider.statement, ([],) * len(rider.values))
        waiting[rider.statement] = tuple([*a, *b] for a, b in zip(before, rider.values, strict=True))
        self._riders = tuple(Rider(*one) for one in waiting.items())

    def append(self, batch_id: bytes, payload: bytes, at_ms: int = 0) -> int:
        if not self.epoch:
            raise Fenced(f"{self._where}: take the journal over before appending to it")
        seq = self.last_seq + 1
        parts = [f", r{place} AS ({rider.statement})" for place, rider in enumerate(self._riders)]
        values: list[Any] = [seq, self.number, self.epoch, self.last_seq]
        for rider in self._riders:
            values += rider.values
        digest = records.row_checksum(seq, self.epoch, batch_id, payload, at_ms)
        values += [seq, self.epoch, batch_id, payload, at_ms, digest]
        if not self.session.query("".join([_MOVE, *parts, _INSERT]), tuple(values)):
            self._recognise(seq, batch_id)
        self._riders = ()
        self.last_seq = seq
        self._settled()
        return seq

    def _settled(self) -> None:
        """A commit that is durable has made all before it durable."""

    def _recognise(self, seq: int, batch_id: bytes) -> None:
        """The append was refused: either it was mine already and its reply was lost, or I am fenced."""
        self.confirm()
        row = self.row(seq)
        if row is None or row.batch_id != batch_id or row.epoch != self.epoch:
            raise Fenced(f"{self._where}: row {seq} is not mine")

    def rows(self, after_seq: int, limit: int | None = None) -> Iterator[Row]:
        previous, left = 0, limit
        while left is None or left > 0:
            wanted = limits.STORE_PAGE_ROWS if left is None else min(left, limits.STORE_PAGE_ROWS)
            page = self.session.query(
                f"SELECT {records.ROW} FROM shard_log WHERE owner = %s AND seq > %s ORDER BY seq LIMIT %s",
                (self.number, max(previous, after_seq), wanted),
            )
            for values in page:
                row = records.read_row(values, self._where)
                if previous and row.seq != previous + 1:
                    raise JournalFailed(f"{self._where}: row {previous + 1} is missing")
                previous = row.seq
                yield row
            if len(page) < wanted:
                return
            left = None if left is None else left - wanted

    def row(self, seq: int) -> Row | None:
        found = self.session.query(
            f"SELECT {records.ROW} FROM shard_log WHERE owner = %s AND seq = %s", (self.number, seq)
        )
        return records.read_row(found[0], self._where) if found else None

    def oldest_seq(self) -> int:
        found = self.session.query(
            "SELECT seq FROM shard_log WHERE owner = %s ORDER BY seq LIMIT 1", (self.number,)
        )
        return int(found[0][0]) if found else 0
