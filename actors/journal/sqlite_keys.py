"""The keys of one owner in a SQLite file of their own: what is deleted is in no file and no log any more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from actors.journal import schema
from actors.journal.keyring import FoundKeys, KeyOwner, StoredKey
from actors.journal.sqlite_file import SqliteFile

FILE: Final = "keys.db"
#: Customers per statement.
_CUSTOMERS_MAX: Final = 500


class SqliteKeyTable:
    def __init__(self, directory: Path, *, pages_max: int = 0) -> None:
        self._file = SqliteFile(directory / FILE, schema.KEYS, pages_max=pages_max)
        self.place = str(self._file.path)

    def find(self, owners: Sequence[KeyOwner]) -> FoundKeys:
        stored: list[StoredKey] = []
        destroyed: list[KeyOwner] = []
        for owner in owners:
            rows = self._file.query("SELECT month, wrapped FROM key WHERE customer = ? AND generation = ?", owner)
            if rows:
                stored.append(StoredKey(*owner, *rows[0]))
            elif self._file.query("SELECT 1 FROM destroyed WHERE customer = ? AND generation >= ?", owner):
                destroyed.append(owner)
        return FoundKeys(stored, destroyed)

    def add(self, keys: Sequence[StoredKey]) -> None:
        with self._file.writing() as db:
            db.executemany(
                "INSERT INTO key (customer, generation, month, wrapped) VALUES (?, ?, ?, ?)",
                [(key.customer, key.generation, key.month, key.wrapped) for key in keys],
            )

    def destroy(self, erased: Sequence[KeyOwner], at_ms: int) -> None:
        with self._file.writing() as db:
            db.executemany("DELETE FROM key WHERE customer = ? AND generation <= ?", erased)
            db.executemany(
                "INSERT INTO destroyed (customer, generation, at_ms) VALUES (?, ?, ?) ON CONFLICT (customer)"
                " DO UPDATE SET generation = excluded.generation, at_ms = excluded.at_ms"
                " WHERE excluded.generation > generation",
                [(customer, generation, at_ms) for customer, generation in erased],
            )
        self._file.empty_wal()

    def destroyed(self, customers: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        found: dict[bytes, tuple[int, int]] = {}
        for start in range(0, len(customers), _CUSTOMERS_MAX):
            part = customers[start:start + _CUSTOMERS_MAX]
            rows = self._file.query(
                "SELECT customer, generation, at_ms FROM destroyed"
                f" WHERE customer IN ({','.join('?' * len(part))})", part,
            )
            found.update((customer, (generation, at_ms)) for customer, generation, at_ms in rows)
        return found

    def wrapping_key(self, month: int) -> bytes | None:
        rows = self._file.query("SELECT wrapped FROM wrapping_key WHERE month = ?", (month,))
        return rows[0][0] if rows else None

    def add_wrapping_key(self, month: int, wrapped: bytes) -> bytes:
        with self._file.writing() as db:
            db.execute("INSERT OR IGNORE INTO wrapping_key (month, wrapped) VALUES (?, ?)", (month, wrapped))
        stored = self.wrapping_key(month)
        assert stored is not None
        return stored

    def wrapping_keys(self) -> dict[int, bytes]:
        """All of them by month."""
        return dict(self._file.query("SELECT month, wrapped FROM wrapping_key ORDER BY month"))

    def replace_wrapping_keys(self, wrapped: dict[int, bytes]) -> None:
        """The same keys in another wrapping, all or none."""
        with self._file.writing() as db:
            db.executemany(
                "UPDATE wrapping_key SET wrapped = ? WHERE month = ?", [(key, month) for month, key in wrapped.items()]
            )
        self._file.empty_wal()

    def close(self) -> None:
        self._file.close()
