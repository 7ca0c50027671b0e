"""Links and sessions of an installation on PostgreSQL, which every node reaches: a row each."""

from __future__ import annotations

from typing import Final

from actors.postgresql.connection import Connection
from actors.postgresql.shared_connection import SharedConnection
from actors.sessions.bounds import ROWS_PER_KEY

_CROWD_OUT: Final = """
DELETE FROM console_session WHERE digest = ANY(ARRAY(
    SELECT digest FROM console_session WHERE holder = %s AND kind = %s ORDER BY expires_ms DESC OFFSET %s))
"""
_PUT: Final = "INSERT INTO console_session (digest, kind, holder, expires_ms, sealed) VALUES (%s, %s, %s, %s, %s)"
_TAKE: Final = "DELETE FROM console_session WHERE digest = %s AND kind = %s AND expires_ms > %s RETURNING sealed"
_GET: Final = "SELECT sealed FROM console_session WHERE digest = %s AND kind = %s AND expires_ms > %s"


class PostgresqlSessions:
    def __init__(self, url: str) -> None:
        self._shared = SharedConnection(url, "kairos console")

    def put(self, digest: bytes, kind: str, holder: bytes, sealed: bytes, expires_ms: int) -> None:
        def work(connection: Connection) -> None:
            connection.execute(_CROWD_OUT, (holder, kind, ROWS_PER_KEY[kind] - 1))
            connection.execute(_PUT, (digest, kind, holder, expires_ms, sealed))

        self._shared.write(work)

    def take(self, digest: bytes, kind: str, now_ms: int) -> bytes | None:
        rows = self._shared.write(
            lambda connection: connection.execute(_TAKE, (digest, kind, now_ms)).fetchall()
        )
        return bytes(rows[0][0]) if rows else None

    def get(self, digest: bytes, kind: str, now_ms: int) -> bytes | None:
        rows = self._shared.read(lambda connection: connection.execute(_GET, (digest, kind, now_ms)).fetchall())
        return bytes(rows[0][0]) if rows else None

    def drop(self, digest: bytes) -> None:
        self._shared.read(
            lambda connection: connection.execute("DELETE FROM console_session WHERE digest = %s", (digest,))
        )

    def sweep(self, now_ms: int) -> int:
        return self._shared.read(
            lambda connection: connection.execute(
                "DELETE FROM console_session WHERE expires_ms <= %s", (now_ms,)
            ).rowcount
        )

    def close(self) -> None:
        self._shared.close()
