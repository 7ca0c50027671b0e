"""The customers' keys, in a file of their own: erasing a customer is destroying its keys.

A key is durable before the first fact that it seals. What has been destroyed is remembered, so that a key that is
missing for any other reason is never mistaken for an erasure. Called from the journal's thread alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from actors.journal import schema, seal
from actors.journal.sqlite_file import SqliteFile
from models import limits
from models.errors import JournalFailed

_Owner = tuple[bytes, int]
#: Customers per statement.
_CUSTOMERS_MAX: Final = 500


class Keyring:
    def __init__(self, directory: Path, *, pages_max: int = 0) -> None:
        self._file = SqliteFile(directory / "keys.db", schema.KEYS, pages_max=pages_max)
        #: Least recently used first; None where the key is destroyed.
        self._known: OrderedDict[_Owner, bytes | None] = OrderedDict()

    def keys(self, owners: Iterable[_Owner]) -> dict[_Owner, bytes | None]:
        """Keys by (customer, generation): None for a destroyed one; never made ones are left out."""
        found: dict[_Owner, bytes | None] = {}
        for owner in owners:
            if owner in self._known:
                self._known.move_to_end(owner)
                found[owner] = self._known[owner]
                continue
            rows = self._file.query("SELECT secret FROM key WHERE customer = ? AND generation = ?", owner)
            if rows:
                found[owner] = self._remember(owner, rows[0][0])
            elif self._file.query("SELECT 1 FROM destroyed WHERE customer = ? AND generation >= ?", owner):
                found[owner] = self._remember(owner, None)
        return found

    def key(self, customer: bytes, generation: int) -> bytes | None:
        """None when it was destroyed. Raises ``JournalFailed`` when it never was here."""
        owner = (customer, generation)
        found = self.keys([owner])
        if owner not in found:
            raise JournalFailed(f"{self._file.path}: a key of generation {generation} is missing; restore this file")
        return found[owner]

    def make(self, owners: Iterable[_Owner]) -> dict[_Owner, bytes | None]:
        """The keys of these owners; those that are missing are made and durable when this returns (one commit)."""
        wanted = list(dict.fromkeys(owners))
        found = self.keys(wanted)
        missing = [owner for owner in wanted if owner not in found]
        if missing:
            fresh = [(customer, generation, seal.new_key()) for customer, generation in missing]
            with self._file.writing() as db:
                db.executemany("INSERT INTO key (customer, generation, secret) VALUES (?, ?, ?)", fresh)
            for customer, generation, secret in fresh:
                found[customer, generation] = self._remember((customer, generation), secret)
        return found

    def destroy(self, erased: Iterable[_Owner], at_ms: int) -> None:
        """Destroy every key up to each generation, leaving no copy in the file or its log. May be repeated. ``at_ms``:
        the clock of the erasure, remembered with the newest generation."""
        wanted = list(erased)
        with self._file.writing() as db:
            db.executemany("DELETE FROM key WHERE customer = ? AND generation <= ?", wanted)
            db.executemany(
                "INSERT INTO destroyed (customer, generation, at_ms) VALUES (?, ?, ?) ON CONFLICT (customer)"
                " DO UPDATE SET generation = excluded.generation, at_ms = excluded.at_ms"
                " WHERE excluded.generation > generation",
                [(customer, generation, at_ms) for customer, generation in wanted],
            )
        self._file.empty_wal()
        for customer, up_to in wanted:
            for generation in range(1, up_to + 1):
                self._remember((customer, generation), None)

    def destroyed(self, customers: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        """(newest destroyed generation, when) of those of these customers that were ever erased."""
        found: dict[bytes, tuple[int, int]] = {}
        for start in range(0, len(customers), _CUSTOMERS_MAX):
            part = customers[start:start + _CUSTOMERS_MAX]
            rows = self._file.query(
                "SELECT customer, generation, at_ms FROM destroyed"
                f" WHERE customer IN ({','.join('?' * len(part))})", part,
            )
            found.update((customer, (generation, at_ms)) for customer, generation, at_ms in rows)
        return found

    def _remember(self, owner: _Owner, secret: bytes | None) -> bytes | None:
        self._known[owner] = secret
        while len(self._known) > limits.KEYS_KNOWN_MAX:
            self._known.popitem(last=False)
        return secret

    def close(self) -> None:
        self._file.close()
