"""Links and sessions of an embedded installation: ``<data-dir>/console.db``.

Unlike a journal it is not one process's own: two replicas may overlap while one takes over from the other. What is
removed is overwritten. Nothing is lost with the file but that people sign in again.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from actors.sessions.bounds import ROWS_PER_KEY
from models.errors import DiskFull, JournalFailed

CONSOLE_FILE: Final = "console.db"
#: Raised with the meaning of its rows.
_VERSION: Final = 1
_BUSY_S: Final = 5.0
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA secure_delete = ON",
    "PRAGMA trusted_schema = OFF",
)
_SCRIPT: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS session (digest BLOB PRIMARY KEY, kind TEXT NOT NULL, holder BLOB NOT NULL,
                                    expires_ms INTEGER NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS session_of ON session (holder, kind, expires_ms);
CREATE INDEX IF NOT EXISTS session_end ON session (expires_ms);
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_CROWD_OUT: Final = """
DELETE FROM session WHERE digest IN (
    SELECT digest FROM session WHERE holder = ? AND kind = ? ORDER BY expires_ms DESC LIMIT -1 OFFSET ?)
"""


class SqliteSessions:
    """Opening one touches nothing; the file is made by the first call."""

    def __init__(self, data_dir: Path) -> None:
        self._path: Final = data_dir / CONSOLE_FILE
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def put(self, digest: bytes, kind: str, holder: bytes, sealed: bytes, expires_ms: int) -> None:
        with self._writing() as db:
            db.execute(_CROWD_OUT, (holder, kind, ROWS_PER_KEY[kind] - 1))
            db.execute(
                "INSERT INTO session (digest, kind, holder, expires_ms, sealed) VALUES (?, ?, ?, ?, ?)",
                (digest, kind, holder, expires_ms, sealed),
            )

    def take(self, digest: bytes, kind: str, now_ms: int) -> bytes | None:
        with self._writing() as db:
            found = db.execute(
                "DELETE FROM session WHERE digest = ? AND kind = ? AND expires_ms > ? RETURNING sealed",
                (digest, kind, now_ms),
            ).fetchall()
        return found[0][0] if found else None

    def get(self, digest: bytes, kind: str, now_ms: int) -> bytes | None:
        with self._opened() as db:
            found = db.execute(
                "SELECT sealed FROM session WHERE digest = ? AND kind = ? AND expires_ms > ?", (digest, kind, now_ms)
            ).fetchall()
        return found[0][0] if found else None

    def drop(self, digest: bytes) -> None:
        with self._writing() as db:
            db.execute("DELETE FROM session WHERE digest = ?", (digest,))

    def sweep(self, now_ms: int) -> int:
        with self._writing() as db:
            return db.execute("DELETE FROM session WHERE expires_ms <= ?", (now_ms,)).rowcount

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: on disk at the end, rolled back by any exception."""
        with self._opened() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                yield self._connection
            except sqlite3.Error as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
                    raise DiskFull(f"no space to write {self._path}; free some and repeat") from error
                raise JournalFailed(
                    f"{self._path}: {error}; when that lasts, remove the file: people sign in again, nothing else is "
                    f"lost"
                ) from error

    def _open(self) -> sqlite3.Connection:
        self._make_file()
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                connection.executescript(_SCRIPT)
            elif version != _VERSION:
                raise JournalFailed(
                    f"{self._path} has layout {version}, this release reads {_VERSION}; remove the file: people sign "
                    f"in again, nothing else is lost"
                )
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_file(self) -> None:
        """For its owner alone. One that is there is never opened but by SQLite, whose locks would end with it."""
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise JournalFailed(f"cannot make {self._path}: {error.strerror}; let this user do so") from error
