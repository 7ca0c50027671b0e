"""One SQLite file with one connection: locked, durable at every commit, its errors told apart.

A lock on a side file is taken before the database is opened, because SQLite's own lock is dropped by any other open and
close of the file in this process. Every commit is synchronous to disk (WAL, ``synchronous=FULL``).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actors.durable_file import sync_folder
from actors.journal import schema
from models.errors import DiskFull, JournalFailed, JournalLocked

_FULL = "PRAGMA synchronous = FULL"
_SOON = "PRAGMA synchronous = NORMAL"
#: A turn is one row of some ten thousand bytes: pages twice as large as SQLite's own append it with a fifth less CPU.
_PRAGMAS = (
    "PRAGMA page_size = 8192",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    _FULL,
    "PRAGMA secure_delete = ON",
    "PRAGMA wal_autocheckpoint = 250",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA cache_size = -32000",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA trusted_schema = OFF",
)


def _lock(path: Path) -> int:
    """Hold ``<file>.lock`` as long as this process lives; the file says who holds it."""
    side = path.with_suffix(".lock")
    handle = os.open(side, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(handle, 200).decode(errors="replace").strip() or "an unknown process"
        os.close(handle)
        raise JournalLocked(f"{path} is in use by {holder}; stop it first (`kairos down`)") from error
    os.truncate(handle, 0)
    os.pwrite(handle, f"process {os.getpid()}".encode(), 0)
    return handle


class SqliteFile:
    """``pages_max`` bounds the file (a full file behaves like a full disk)."""

    def __init__(self, path: Path, script: str, *, pages_max: int = 0) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _lock(path)
        self._is_soon = False
        try:
            self._connection = self._open(script, pages_max)
        except BaseException:
            os.close(self._lock)
            raise

    def _open(self, script: str, pages_max: int) -> sqlite3.Connection:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with self._translated():
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=1.0)
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                connection.executescript(f"BEGIN IMMEDIATE;{script}PRAGMA user_version = {schema.VERSION};COMMIT;")
            elif version != schema.VERSION:
                connection.close()
                raise JournalFailed(f"{self.path} has layout {version}, this release reads {schema.VERSION}")
            if pages_max:
                connection.execute(f"PRAGMA max_page_count = {pages_max:d}")
        sync_folder(self.path.parent)
        return connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_FULL:
                raise DiskFull(f"no space to write {self.path}; free some and repeat") from error
            raise JournalFailed(f"{self.path}: {error}") from error

    @contextmanager
    def writing(self, *, soon: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction: committed and on disk at the end, rolled back by any exception. ``soon``: on disk only with
        the next one that is not so (the log is written in order), for what a crash may take back."""
        with self._translated():
            if soon is not self._is_soon:
                self._connection.execute(_SOON if soon else _FULL)
                self._is_soon = soon
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._translated():
            return self._connection.execute(statement, values).fetchall()

    def scan(self, statement: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Like ``query``, row by row."""
        with self._translated():
            yield from self._connection.execute(statement, values)

    def empty_wal(self) -> None:
        """Move everything into the main file and cut the write-ahead log to nothing."""
        with self._translated():
            busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise JournalFailed(f"{self.path}: the write-ahead log could not be emptied")

    def close(self) -> None:
        with self._translated():
            self._connection.close()
        os.close(self._lock)
