"""The embedded journal: one SQLite file per owner, one connection, one thread.

The fence: the ``owner`` row holds epoch and last sequence; an append moves it forward in the same transaction, on
condition that both are still the ones this owner knows. See ``interface`` for what each call promises.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from actors.journal import records, schema
from actors.journal.interface import Base, Checkpoint, FlushBatch, IndexEntry, Row, StoredProfile
from actors.journal.sqlite_file import SqliteFile
from models import canonical, limits
from models.errors import Fenced, JournalFailed, Superseded

_VARIABLES_MAX = 500
_PAIRS_MAX = _VARIABLES_MAX // 2
_SEQ_MAX = 2**62
#: Takes an ``IndexEntry``. Keys lie by age, so that old ones go in one piece, then by customer.
_PUT_KEY = (
    "INSERT OR REPLACE INTO idem (period, customer, key, seq, at_ms, fingerprint, hint)"
    f" VALUES (?4 / {limits.KEY_PERIOD_MS}, ?1, ?2, ?3, ?4, ?5, ?6)"
)


def open_journal(directory: Path, *, pages_max: int = 0) -> SqliteJournal:
    """The journal in ``directory`` (made when absent). Raises ``JournalLocked`` when another process holds it."""
    return SqliteJournal(SqliteFile(directory / "journal.db", schema.JOURNAL, pages_max=pages_max))


class SqliteJournal:
    """Reading needs no ownership; whoever writes calls ``take_over`` first."""

    is_remote: bool = False
    away_s: float = 0.0

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self._where = str(file.path)
        self.epoch: int = 0
        self.last_seq: int = file.query("SELECT last_seq FROM owner")[0][0]
        #: Of which there are keys, ascending.
        self._periods = self._read_periods()

    def _read_periods(self) -> list[int]:
        periods: list[int] = []
        while True:
            after = periods[-1] if periods else -1
            ((period,),) = self._file.query("SELECT min(period) FROM idem WHERE period > ?", (after,))
            if period is None:
                return periods
            periods.append(period)

    def take_over(self, owner: str, incarnation: int = 0) -> int:
        with self._file.writing() as db:
            rows = db.execute(
                "UPDATE owner SET epoch = epoch + 1, owner = ?1, incarnation = ?2 WHERE incarnation <= ?2"
                " RETURNING epoch, last_seq", (owner, incarnation),
            ).fetchall()
            if not rows:
                raise Superseded(f"{self._where}: an incarnation after {incarnation} has taken over; leave it be")
            self.epoch, self.last_seq = rows[0]
            (newest,) = db.execute("SELECT max(seq) FROM log").fetchone()
        if newest is not None and newest != self.last_seq:
            raise JournalFailed(f"{self._where}: the log ends at row {newest}, its owner at {self.last_seq}")
        self._periods = self._read_periods()  # the owner before may have added some since
        return int(self.epoch)

    def incarnation(self) -> int:
        ((incarnation,),) = self._file.query("SELECT incarnation FROM owner")
        return int(incarnation)

    def newest_seq(self) -> int:
        ((newest,),) = self._file.query("SELECT last_seq FROM owner")
        return int(newest)

    def append(self, batch_id: bytes, payload: bytes, at_ms: int = 0) -> int:
        if not self.epoch:
            raise Fenced(f"{self._where}: take the journal over before appending to it")
        seq = self.last_seq + 1
        with self._file.writing() as db:
            moved = db.execute(
                "UPDATE owner SET last_seq = ? WHERE epoch = ? AND last_seq = ?", (seq, self.epoch, self.last_seq)
            ).rowcount
            if moved:
                digest = records.row_checksum(seq, self.epoch, batch_id, payload, at_ms)
                db.execute(
                    f"INSERT INTO log ({records.ROW}) VALUES (?, ?, ?, ?, ?, ?)",
                    (seq, self.epoch, batch_id, payload, at_ms, digest),
                )
        if not moved:
            self._recognise(seq, batch_id)
        self.last_seq = seq
        return seq

    def _recognise(self, seq: int, batch_id: bytes) -> None:
        """The append was refused: either it was mine already and its reply was lost, or I am fenced."""
        self.confirm()
        row = self.row(seq)
        if row is None or row.batch_id != batch_id or row.epoch != self.epoch:
            raise Fenced(f"{self._where}: row {seq} is not mine")

    def confirm(self) -> None:
        ((epoch,),) = self._file.query("SELECT epoch FROM owner")
        if epoch != self.epoch or epoch == 0:
            raise Fenced(f"{self._where}: epoch {epoch} owns the journal, mine is {self.epoch}")

    def rows(self, after_seq: int, limit: int | None = None) -> Iterator[Row]:
        previous = 0
        found = self._file.scan(
            f"SELECT {records.ROW} FROM log WHERE seq > ? ORDER BY seq LIMIT ?",
            (after_seq, -1 if limit is None else limit),
        )
        for values in found:
            row = records.read_row(values, self._where)
            if previous and row.seq != previous + 1:
                raise JournalFailed(f"{self._where}: row {previous + 1} is missing")
            previous = row.seq
            yield row

    def row(self, seq: int) -> Row | None:
        found = self._file.query(f"SELECT {records.ROW} FROM log WHERE seq = ?", (seq,))
        return records.read_row(found[0], self._where) if found else None

    def oldest_seq(self) -> int:
        ((oldest,),) = self._file.query("SELECT min(seq) FROM log")
        return oldest or 0

    def checkpoint(self, at_or_before: int | None = None) -> Checkpoint | None:
        bound = _SEQ_MAX if at_or_before is None else at_or_before
        found = self._file.query(
            f"SELECT {records.STATE} FROM checkpoint WHERE seq <= ? ORDER BY seq DESC LIMIT 1", (bound,)
        )
        return records.read_checkpoint(found[0], self._where) if found else None

    def _hold(self, db: sqlite3.Connection) -> None:
        """Inside a transaction: go on only as the owner."""
        (epoch,) = db.execute("SELECT epoch FROM owner").fetchone()
        if epoch != self.epoch or epoch == 0:
            raise Fenced(f"{self._where}: epoch {epoch} owns the journal, mine is {self.epoch}")

    def flush(self, batch: FlushBatch) -> None:
        with self._file.writing(soon=True) as db:
            self._hold(db)
            for table in ("profile", "base_profile"):
                db.executemany(f"DELETE FROM {table} WHERE customer = ?", [(key,) for key in batch.erased])
            _put_profiles(db, "profile", batch.profiles)
            db.executemany(_PUT_KEY, batch.keys)
            db.executemany(
                "INSERT OR REPLACE INTO touched (customer, newest, seqs) VALUES (?, ?, ?)",
                [(customer, seqs[-1], canonical.pack(seqs)) for customer, seqs in batch.touched],
            )
        periods = {key.at_ms // limits.KEY_PERIOD_MS for key in batch.keys}
        self._periods = sorted(periods.union(self._periods))

    def complete_checkpoint(self, checkpoint: Checkpoint, keep_apart_ms: int = 0) -> None:
        with self._file.writing() as db:
            self._hold(db)
            db.execute(
                f"INSERT OR REPLACE INTO checkpoint ({records.STATE}) VALUES (?, ?, ?, ?)",
                records.state_values(checkpoint),
            )
        if self.checkpoint(checkpoint.seq) != checkpoint:
            raise JournalFailed(f"{self._where}: checkpoint {checkpoint.seq} does not read back as written")
        self._thin_checkpoints(keep_apart_ms)

    def _thin_checkpoints(self, keep_apart_ms: int) -> None:
        """Of the three newest, drop the middle one unless it is far enough from the older one."""
        newest = self._file.query("SELECT seq, at_ms FROM checkpoint ORDER BY seq DESC LIMIT 3")
        if len(newest) < 3 and keep_apart_ms:
            return
        apart = keep_apart_ms and newest[1][1] - newest[2][1] >= keep_apart_ms
        if len(newest) > 1 and not apart:
            with self._file.writing() as db:
                self._hold(db)
                db.execute("DELETE FROM checkpoint WHERE seq = ?", (newest[1][0],))

    def load_profiles(self, customers: Iterable[bytes]) -> dict[bytes, StoredProfile]:
        return self._load_profiles("profile", list(customers))

    def base_profiles(self, customers: Iterable[bytes]) -> dict[bytes, StoredProfile]:
        return self._load_profiles("base_profile", list(customers))

    def _load_profiles(self, table: str, customers: list[bytes]) -> dict[bytes, StoredProfile]:
        loaded: dict[bytes, StoredProfile] = {}
        for start in range(0, len(customers), _VARIABLES_MAX):
            part = customers[start:start + _VARIABLES_MAX]
            marks = ",".join("?" * len(part))
            for values in self._file.query(f"SELECT {records.PROFILE} FROM {table} WHERE customer IN ({marks})", part):
                profile = records.read_profile(values, self._where)
                loaded[profile.customer] = profile
        return loaded

    def base_page(self, after_customer: bytes, limit: int) -> list[StoredProfile]:
        found = self._file.query(
            f"SELECT {records.PROFILE} FROM base_profile WHERE customer > ? ORDER BY customer LIMIT ?",
            (after_customer, limit),
        )
        return [records.read_profile(values, self._where) for values in found]

    def load_keys(self, keys: Iterable[tuple[bytes, bytes]]) -> dict[tuple[bytes, bytes], IndexEntry]:
        loaded: dict[tuple[bytes, bytes], IndexEntry] = {}
        wanted = list(keys)
        for start in range(0, len(wanted), _PAIRS_MAX):
            part = wanted[start:start + _PAIRS_MAX]
            # A join in this order: for a row-value IN the planner would read the whole table.
            for period in self._periods:  # oldest first: what was bound again later counts
                found = self._file.query(
                    f"WITH wanted (c, k) AS (VALUES {','.join(['(?,?)'] * len(part))})"
                    " SELECT customer, key, seq, at_ms, fingerprint, hint"
                    " FROM wanted CROSS JOIN idem ON period = ? AND customer = c AND key = k",
                    [*chain.from_iterable(part), period],
                )
                loaded.update(((values[0], values[1]), IndexEntry(*values)) for values in found)
        return loaded

    def drop_keys(self, before_ms: int, limit: int) -> int:
        kept = before_ms // limits.KEY_PERIOD_MS
        if not self._periods or self._periods[0] >= kept:
            return 0
        old = self._file.query(
            "SELECT period, customer, key FROM idem WHERE period < ? ORDER BY period, customer, key LIMIT ?",
            (kept, limit),
        )
        with self._file.writing(soon=True) as db:
            self._hold(db)
            db.executemany("DELETE FROM idem WHERE period = ? AND customer = ? AND key = ?", old)
        self._periods = self._read_periods()
        return len(old)

    def rows_of(self, customer: bytes, before_seq: int | None, limit: int, after_seq: int = 0) -> list[int]:
        before = _SEQ_MAX if before_seq is None else before_seq
        # Of the lists that reach beyond ``before`` the shortest has all of its checkpoint's rows up to there.
        ((reaching,),) = self._file.query(
            "SELECT min(newest) FROM touched WHERE customer = ? AND newest >= ?", (customer, before)
        )
        lists = self._file.query(
            "SELECT newest, seqs FROM touched WHERE customer = ? AND newest <= ? AND newest > ?"
            " ORDER BY newest DESC LIMIT ?",
            (customer, before if reaching is None else reaching, after_seq, limit + 1),
        )
        oldest = max(after_seq + 1, self.oldest_seq())
        found = {seq for _, seqs in lists for seq in canonical.unpack(seqs) if oldest <= seq < before}
        return sorted(found, reverse=True)[:limit]

    def due(self, until_ms: int, limit: int) -> list[tuple[int, bytes]]:
        found = self._file.query(
            "SELECT due_ms, customer FROM profile WHERE due_ms > 0 AND due_ms <= ? ORDER BY due_ms, customer LIMIT ?",
            (until_ms, limit),
        )
        return [(due_ms, customer) for due_ms, customer in found]

    def truncate(self, below_seq: int, base: Base | None = None) -> int:
        covered = self.checkpoint()
        if covered is None or below_seq > covered.seq + 1:
            raise JournalFailed(f"{self._where}: no checkpoint covers the rows below {below_seq}; nothing deleted")
        with self._file.writing() as db:
            self._hold(db)
            if base is not None:
                _put_base(db, base)
            db.execute("DELETE FROM checkpoint WHERE seq < ? AND seq < ?", (below_seq - 1, covered.seq))
            return db.execute("DELETE FROM log WHERE seq < ?", (below_seq,)).rowcount

    def base(self) -> Base | None:
        found = self._file.query(f"SELECT {records.STATE} FROM base")
        return records.read_base(found[0], self._where) if found else None

    def close(self) -> None:
        self._file.close()


def _put_profiles(db: sqlite3.Connection, table: str, profiles: Iterable[StoredProfile]) -> None:
    db.executemany(
        f"INSERT INTO {table} ({records.PROFILE}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (customer) DO UPDATE SET"
        " seq = excluded.seq, generation = excluded.generation, sealed = excluded.sealed, due_ms = excluded.due_ms,"
        " checksum = excluded.checksum",
        [records.profile_values(profile) for profile in profiles],
    )


def _put_base(db: sqlite3.Connection, base: Base) -> None:
    db.execute(
        f"INSERT OR REPLACE INTO base (id, {records.STATE}) VALUES (1, ?, ?, ?, ?)", records.state_values(base),
    )
    db.executemany("DELETE FROM base_profile WHERE customer = ?", [(customer,) for customer in base.erased])
    _put_profiles(db, "base_profile", base.profiles)
    customers = [(profile.customer, base.seq) for profile in base.profiles]
    customers += [(customer, base.seq) for customer in base.erased]
    db.executemany("DELETE FROM touched WHERE customer = ? AND newest <= ?", customers)
