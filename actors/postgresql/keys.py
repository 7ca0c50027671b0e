"""The wrapped keys of one owner in PostgreSQL, written under the fence of its journal and through its connection.

A new key travels with the append of the turn that needs it: one commit for both, so a key costs no wait of its own, and
a process that was fenced makes none. An erased key's row is deleted; the server's own log, its backups and pages that
are not vacuumed yet keep the wrapped bytes for as long as their retention says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from actors.journal.keyring import FoundKeys, KeyOwner, StoredKey
from actors.postgresql.journal import PostgresqlJournal
from actors.postgresql.log import Rider
from actors.postgresql.ownership import Cursor

_FIND: Final = """
SELECT w.customer, w.generation, k.month, k.wrapped, d.generation >= w.generation
FROM unnest(%s::bytea[], %s::bigint[]) AS w (customer, generation)
LEFT JOIN LATERAL (SELECT month, wrapped FROM customer_key
    WHERE owner = %s AND customer = w.customer AND generation = w.generation OFFSET 0) AS k ON true
LEFT JOIN LATERAL (SELECT generation FROM destroyed_key
    WHERE owner = %s AND customer = w.customer OFFSET 0) AS d ON true
"""
_ADD: Final = """
INSERT INTO customer_key (owner, customer, generation, month, wrapped)
SELECT g.owner, k.customer, k.generation, k.month, k.wrapped
FROM g, unnest(%s::bytea[], %s::bigint[], %s::bigint[], %s::bytea[]) AS k (customer, generation, month, wrapped)
"""
_DELETE: Final = """
DELETE FROM customer_key WHERE ctid = ANY(ARRAY(
    SELECT k.ctid FROM unnest(%s::bytea[], %s::bigint[]) AS e (customer, generation)
    CROSS JOIN LATERAL (SELECT ctid FROM customer_key
        WHERE owner = %s AND customer = e.customer AND generation <= e.generation OFFSET 0) AS k))
"""
_REMEMBER: Final = """
INSERT INTO destroyed_key AS d (owner, customer, generation, at_ms)
SELECT %s, e.customer, max(e.generation), %s FROM unnest(%s::bytea[], %s::bigint[]) AS e (customer, generation)
GROUP BY e.customer
ON CONFLICT (owner, customer) DO UPDATE SET generation = excluded.generation, at_ms = excluded.at_ms
WHERE excluded.generation > d.generation
"""
_DESTROYED: Final = """
SELECT d.customer, d.generation, d.at_ms FROM unnest(%s::bytea[]) AS w (customer)
CROSS JOIN LATERAL (SELECT * FROM destroyed_key WHERE owner = %s AND customer = w.customer OFFSET 0) AS d
"""
_WRAPPING: Final = "SELECT wrapped FROM wrapping_key WHERE owner = %s AND month = %s"
_ADD_WRAPPING: Final = """
INSERT INTO wrapping_key (owner, month, wrapped) VALUES (%s, %s, %s) ON CONFLICT (owner, month) DO NOTHING
"""


class PostgresqlKeyTable:
    """``is_alone``: it closes the journal, which nobody else uses."""

    def __init__(self, journal: PostgresqlJournal, *, is_alone: bool = False) -> None:
        self._journal = journal
        self._is_alone = is_alone
        self.place = f"{journal.session.where} owner {journal.number}"

    def find(self, owners: Sequence[KeyOwner]) -> FoundKeys:
        customers, generations = _columns(owners)
        number = self._journal.number
        stored: list[StoredKey] = []
        destroyed: list[KeyOwner] = []
        for customer, generation, month, wrapped, gone in self._journal.session.query(
            _FIND, (customers, generations, number, number)
        ):
            if wrapped is not None:
                stored.append(StoredKey(customer, generation, month, wrapped))
            elif gone:
                destroyed.append((customer, generation))
        return FoundKeys(stored, destroyed)

    def add(self, keys: Sequence[StoredKey]) -> None:
        self._journal.ride(Rider(_ADD, (
            [key.customer for key in keys], [key.generation for key in keys],
            [key.month for key in keys], [key.wrapped for key in keys],
        )))

    def destroy(self, erased: Sequence[KeyOwner], at_ms: int) -> None:
        customers, generations = _columns(erased)
        number = self._journal.number

        def work(cursor: Cursor) -> None:
            cursor.execute(_DELETE, (customers, generations, number), prepare=True)
            cursor.execute(_REMEMBER, (number, at_ms, customers, generations), prepare=True)

        self._journal.write(work)

    def destroyed(self, customers: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        found = self._journal.session.query(_DESTROYED, (list(customers), self._journal.number))
        return {customer: (generation, at_ms) for customer, generation, at_ms in found}

    def wrapping_key(self, month: int) -> bytes | None:
        found = self._journal.session.query(_WRAPPING, (self._journal.number, month))
        return found[0][0] if found else None

    def add_wrapping_key(self, month: int, wrapped: bytes) -> bytes:
        number = self._journal.number

        def work(cursor: Cursor) -> None:
            cursor.execute(_ADD_WRAPPING, (number, month, wrapped), prepare=True)

        self._journal.write(work)
        stored = self.wrapping_key(month)
        assert stored is not None
        return stored

    def close(self) -> None:
        if self._is_alone:
            self._journal.close()


def _columns(owners: Sequence[KeyOwner]) -> tuple[list[bytes], list[int]]:
    return [customer for customer, _ in owners], [generation for _, generation in owners]
