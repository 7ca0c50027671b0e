"""Profiles of a journal's customers, the rows that concern them, and what checkpoints write of both.

A flush need not be durable at once, so it does not wait for the disk; should the server die before a later commit has
made it so, it is written again on the next connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from actors.journal import records
from actors.journal.interface import FlushBatch, StoredProfile
from actors.postgresql.connection import Connection
from actors.postgresql.key_index import KeyIndex, put_keys
from actors.postgresql.ownership import Cursor
from models import canonical, limits

#: Greater than any sequence.
BEYOND: Final = 2**62
_PUT_PROFILES: Final = """
INSERT INTO {table} (owner, customer, seq, generation, sealed, due_ms, checksum)
SELECT %s, * FROM unnest(%s::bytea[], %s::bigint[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bytea[])
ON CONFLICT (owner, customer) DO UPDATE SET seq = excluded.seq, generation = excluded.generation,
    sealed = excluded.sealed, due_ms = excluded.due_ms, checksum = excluded.checksum
"""
_PUT_TOUCHED: Final = """
INSERT INTO touched (owner, customer, newest, seqs) SELECT %s, * FROM unnest(%s::bytea[], %s::bigint[], %s::bytea[])
ON CONFLICT (owner, customer, newest) DO UPDATE SET seqs = excluded.seqs
"""
_LOAD_PROFILES: Final = f"""
SELECT {records.PROFILE} FROM unnest(%s::bytea[]) AS w (wanted)
CROSS JOIN LATERAL (SELECT * FROM {{table}} WHERE owner = %s AND customer = w.wanted OFFSET 0) AS p
"""
_FORGET_PROFILES: Final = """
DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT p.ctid FROM unnest(%s::bytea[]) AS w (wanted)
    CROSS JOIN LATERAL (SELECT ctid FROM {table} WHERE owner = %s AND customer = w.wanted OFFSET 0) AS p))
"""
#: Of the lists that reach beyond the bound the shortest has all of its checkpoint's rows up to there.
_ROWS_OF: Final = """
SELECT seqs FROM touched WHERE owner = %s AND customer = %s AND newest > %s AND newest <= coalesce(
    (SELECT newest FROM touched WHERE owner = %s AND customer = %s AND newest >= %s ORDER BY newest LIMIT 1), %s)
ORDER BY newest DESC LIMIT %s
"""


def put_profiles(cursor: Cursor, number: int, table: str, profiles: Iterable[StoredProfile]) -> None:
    """Write them; of two of one customer the later counts."""
    rows = {profile.customer: records.profile_values(profile) for profile in profiles}
    if rows:
        customers, seqs, generations, sealed, due_ms, checksums = zip(*rows.values(), strict=True)
        values = (list(customers), list(seqs), list(generations), list(sealed), list(due_ms), list(checksums))
        cursor.execute(_PUT_PROFILES.format(table=table), (number, *values), prepare=True)


def forget_profiles(cursor: Cursor, number: int, table: str, customers: Sequence[bytes]) -> None:
    if customers:
        cursor.execute(_FORGET_PROFILES.format(table=table), (list(customers), number), prepare=True)


class Profiles(KeyIndex):
    #: Flushes that a crash of the server may still take back.
    _unsettled: tuple[Callable[[Cursor], None], ...] = ()

    def flush(self, batch: FlushBatch) -> None:
        def put(cursor: Cursor) -> None:
            self._put(cursor, batch)

        is_soon = len(self._unsettled) < limits.STORE_UNSETTLED_MAX
        self.write(put, soon=is_soon)
        self._unsettled = (*self._unsettled, put) if is_soon else ()
        self._note_periods(batch.keys)

    def _put(self, cursor: Cursor, batch: FlushBatch) -> None:
        for table in ("profile", "base_profile"):
            forget_profiles(cursor, self.number, table, batch.erased)
        put_profiles(cursor, self.number, "profile", batch.profiles)
        put_keys(cursor, self.number, batch.keys)
        touched = {(customer, seqs[-1]): canonical.pack(seqs) for customer, seqs in batch.touched}
        if touched:
            customers, newest = zip(*touched, strict=True)
            values = (self.number, list(customers), list(newest), list(touched.values()))
            cursor.execute(_PUT_TOUCHED, values, prepare=True)

    def _settled(self) -> None:
        self._unsettled = ()

    def _come_back(self, connection: Connection) -> None:
        super()._come_back(connection)
        for put in self._unsettled:
            self._transact(connection, put, soon=False)

    def load_profiles(self, customers: Iterable[bytes]) -> dict[bytes, StoredProfile]:
        return self._load_profiles("profile", list(customers))

    def base_profiles(self, customers: Iterable[bytes]) -> dict[bytes, StoredProfile]:
        return self._load_profiles("base_profile", list(customers))

    def _load_profiles(self, table: str, customers: list[bytes]) -> dict[bytes, StoredProfile]:
        if not customers:
            return {}
        found = self.session.query(_LOAD_PROFILES.format(table=table), (customers, self.number))
        return {profile.customer: profile for profile in self._profiles(found)}

    def base_page(self, after_customer: bytes, limit: int) -> list[StoredProfile]:
        found = self.session.query(
            f"SELECT {records.PROFILE} FROM base_profile WHERE owner = %s AND customer > %s ORDER BY customer LIMIT %s",
            (self.number, after_customer, limit),
        )
        return self._profiles(found)

    def _profiles(self, found: Iterable[tuple[Any, ...]]) -> list[StoredProfile]:
        return [records.read_profile(values, self._where) for values in found]

    def due(self, until_ms: int, limit: int) -> list[tuple[int, bytes]]:
        found = self.session.query(
            "SELECT due_ms, customer FROM profile WHERE owner = %s AND due_ms > 0 AND due_ms <= %s"
            " ORDER BY due_ms, customer LIMIT %s", (self.number, until_ms, limit),
        )
        return [(due_ms, customer) for due_ms, customer in found]

    def rows_of(self, customer: bytes, before_seq: int | None, limit: int, after_seq: int = 0) -> list[int]:
        before = BEYOND if before_seq is None else before_seq
        number = self.number
        lists = self.session.query(
            _ROWS_OF, (number, customer, after_seq, number, customer, before, before, limit + 1)
        )
        if not lists:
            return []
        oldest = max(after_seq + 1, self.oldest_seq())
        found = {seq for (seqs,) in lists for seq in canonical.unpack(seqs) if oldest <= seq < before}
        return sorted(found, reverse=True)[:limit]
