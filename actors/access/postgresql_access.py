"""Keys of an installation on PostgreSQL: a row per key, and one row that counts the changes and that writers lock."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from actors.access.record import KeyRecord
from actors.postgresql.connection import Connection
from actors.postgresql.shared_connection import SharedConnection
from models.errors import BadInput

T = TypeVar("T")


class PostgresqlAccess:
    is_remote = True

    def __init__(self, url: str) -> None:
        self._shared = SharedConnection(url, "kairos keys")

    def marker(self) -> object:
        return self._shared.read(lambda connection: _version(connection, ""))

    def records(self) -> list[KeyRecord]:
        return self._shared.read(_records)

    def change(self, edit: Callable[[Sequence[KeyRecord]], tuple[list[KeyRecord], T]]) -> T:
        return self._shared.write(lambda connection: _change(connection, edit))

    def close(self) -> None:
        self._shared.close()


def _version(connection: Connection, how: str) -> int:
    row = connection.execute(f"SELECT version FROM access_change {how}").fetchone()
    if row is None:
        raise BadInput("the table kairos.access_change is damaged (it has no row); restore the store from a backup")
    return int(row[0])


def _records(connection: Connection) -> list[KeyRecord]:
    return [_record(*row) for row in connection.execute("SELECT digest, record FROM access_key ORDER BY place")]


def _record(digest: str, text: str) -> KeyRecord:
    try:
        record = KeyRecord.from_plain(json.loads(text))
        if record.digest != digest:
            raise ValueError("it is another key's")
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"the table kairos.access_key is damaged (the row of {digest[:12]}: {error}); restore it from a backup, or "
            f"delete that row and create the key again"
        ) from error
    return record


def _change(connection: Connection, edit: Callable[[Sequence[KeyRecord]], tuple[list[KeyRecord], T]]) -> T:
    version = _version(connection, "FOR UPDATE")
    before = _records(connection)
    after, result = edit(before)
    gone = {record.digest for record in before} - {record.digest for record in after}
    known = dict(zip((record.digest for record in before), before, strict=True))
    with connection.cursor() as cursor:
        cursor.executemany("DELETE FROM access_key WHERE digest = %s", [(digest,) for digest in gone])
        cursor.executemany(
            "INSERT INTO access_key (digest, place, record) VALUES (%s, %s, %s) "
            "ON CONFLICT (digest) DO UPDATE SET record = excluded.record",
            [
                (record.digest, version + 1, json.dumps(record.to_plain())) for record in after
                if known.get(record.digest) != record
            ],
        )
    connection.execute("UPDATE access_change SET version = version + 1")
    return result
