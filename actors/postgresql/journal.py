"""The journal of one owner in PostgreSQL: what ``actors.journal.interface`` promises, over one connection.

Log, key index, profiles and checkpoints are each a layer over ``ownership``, which has the fence.
"""

from __future__ import annotations

from typing import Final

from actors.journal import records
from actors.journal.interface import Base, Checkpoint
from actors.postgresql.ownership import Cursor
from actors.postgresql.profiles import BEYOND, Profiles, forget_profiles, put_profiles
from actors.postgresql.session import Session
from models import limits
from models.errors import JournalFailed

_PUT_CHECKPOINT: Final = f"""
INSERT INTO checkpoint (owner, {records.STATE}) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (owner, seq) DO UPDATE SET at_ms = excluded.at_ms, state = excluded.state, checksum = excluded.checksum
"""
_PUT_BASE: Final = f"""
INSERT INTO base (owner, {records.STATE}) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (owner) DO UPDATE SET seq = excluded.seq, at_ms = excluded.at_ms, state = excluded.state,
    checksum = excluded.checksum
"""
_UNLIST: Final = """
DELETE FROM touched WHERE ctid = ANY(ARRAY(SELECT t.ctid FROM unnest(%s::bytea[]) AS w (wanted)
    CROSS JOIN LATERAL (SELECT ctid FROM touched WHERE owner = %s AND customer = w.wanted AND newest <= %s OFFSET 0) t))
"""


def open_journal(url: str, owner: str, *, patience_ms: int = limits.STORE_AWAY_MS_MAX) -> PostgresqlJournal:
    """The journal of ``owner`` in a database with Kairos's tables (see ``schema.ensure_schema``). Raises ``StoreAway``
    when the store cannot be reached."""
    return PostgresqlJournal(Session(url, f"kairos {owner}", patience_ms=patience_ms), owner)


class PostgresqlJournal(Profiles):
    @property
    def away_s(self) -> float:
        return self.session.away_s

    def checkpoint(self, at_or_before: int | None = None) -> Checkpoint | None:
        found = self.session.query(
            f"SELECT {records.STATE} FROM checkpoint WHERE owner = %s AND seq <= %s ORDER BY seq DESC LIMIT 1",
            (self.number, BEYOND if at_or_before is None else at_or_before),
        )
        return records.read_checkpoint(found[0], self._where) if found else None

    def complete_checkpoint(self, checkpoint: Checkpoint, keep_apart_ms: int = 0) -> None:
        def put(cursor: Cursor) -> None:
            cursor.execute(_PUT_CHECKPOINT, (self.number, *records.state_values(checkpoint)), prepare=True)

        self.write(put)
        self._settled()
        if self.checkpoint(checkpoint.seq) != checkpoint:
            raise JournalFailed(f"{self._where}: checkpoint {checkpoint.seq} does not read back as written")
        self._thin_checkpoints(keep_apart_ms)

    def _thin_checkpoints(self, keep_apart_ms: int) -> None:
        """Of the three newest, drop the middle one unless it is far enough from the older one."""
        newest = self.session.query(
            "SELECT seq, at_ms FROM checkpoint WHERE owner = %s ORDER BY seq DESC LIMIT 3", (self.number,)
        )
        if len(newest) < 3 and keep_apart_ms:
            return
        apart = keep_apart_ms and newest[1][1] - newest[2][1] >= keep_apart_ms
        if len(newest) > 1 and not apart:
            dropped = newest[1][0]

            def thin(cursor: Cursor) -> None:
                statement = "DELETE FROM checkpoint WHERE owner = %s AND seq = %s"
                cursor.execute(statement, (self.number, dropped), prepare=True)

            self.write(thin, soon=True)

    def truncate(self, below_seq: int, base: Base | None = None) -> int:
        newest = self.session.query(
            "SELECT seq FROM checkpoint WHERE owner = %s ORDER BY seq DESC LIMIT 1", (self.number,)
        )
        if not newest or below_seq > (covered := newest[0][0]) + 1:
            raise JournalFailed(f"{self._where}: no checkpoint covers the rows below {below_seq}; nothing deleted")

        def cut(cursor: Cursor) -> None:
            if base is not None:
                self._put_base(cursor, base)
            cursor.execute(
                "DELETE FROM checkpoint WHERE owner = %s AND seq < %s AND seq < %s",
                (self.number, below_seq - 1, covered), prepare=True,
            )
            statement = "DELETE FROM shard_log WHERE owner = %s AND seq < %s"
            cursor.execute(statement, (self.number, below_seq), prepare=True)

        deleted = self.write(cut)
        self._settled()
        return deleted

    def _put_base(self, cursor: Cursor, base: Base) -> None:
        cursor.execute(_PUT_BASE, (self.number, *records.state_values(base)), prepare=True)
        forget_profiles(cursor, self.number, "base_profile", base.erased)
        put_profiles(cursor, self.number, "base_profile", base.profiles)
        customers = [*(profile.customer for profile in base.profiles), *base.erased]
        if customers:
            cursor.execute(_UNLIST, (customers, self.number, base.seq), prepare=True)

    def base(self) -> Base | None:
        found = self.session.query(f"SELECT {records.STATE} FROM base WHERE owner = %s", (self.number,))
        return records.read_base(found[0], self._where) if found else None
