"""Idempotency keys that are older than the last checkpoint. Those of one period (``limits.KEY_PERIOD_MS``) lie
together, so that old ones go in one piece, then by customer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from actors.journal.interface import IndexEntry
from actors.postgresql.log import Log
from actors.postgresql.ownership import Cursor
from models import limits

_PUT: Final = """
INSERT INTO idem (owner, period, customer, key, seq, at_ms, fingerprint, hint)
SELECT %s, * FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[], %s::bigint[], %s::bigint[], %s::bytea[], %s::bytea[])
ON CONFLICT (owner, period, customer, key) DO UPDATE SET seq = excluded.seq, at_ms = excluded.at_ms,
    fingerprint = excluded.fingerprint, hint = excluded.hint
"""
_LOAD: Final = """
SELECT i.customer, i.key, i.seq, i.at_ms, i.fingerprint, i.hint
FROM unnest(%s::bigint[]) AS p (period) CROSS JOIN unnest(%s::bytea[], %s::bytea[]) AS w (customer, key)
CROSS JOIN LATERAL (SELECT * FROM idem
    WHERE owner = %s AND period = p.period AND customer = w.customer AND key = w.key OFFSET 0) AS i
"""
_DROP: Final = """
DELETE FROM idem WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM idem WHERE owner = %s AND period < %s ORDER BY period, customer, key LIMIT %s))
"""
_NEXT_PERIOD: Final = "SELECT period FROM idem WHERE owner = %s AND period > %s ORDER BY period LIMIT 1"


def _period(at_ms: int) -> int:
    return at_ms // limits.KEY_PERIOD_MS


def put_keys(cursor: Cursor, number: int, keys: Iterable[IndexEntry]) -> None:
    """Write them; of two alike the later counts."""
    rows = {(_period(entry.at_ms), entry.customer, entry.key): (_period(entry.at_ms), *entry) for entry in keys}
    if rows:
        periods, customers, names, seqs, at_ms, prints, hints = zip(*rows.values(), strict=True)
        columns = (list(periods), list(customers), list(names), list(seqs), list(at_ms))
        cursor.execute(_PUT, (number, *columns, list(prints), list(hints)), prepare=True)


class KeyIndex(Log):
    #: Of which there are keys, ascending; None until they are read.
    _periods: list[int] | None = None

    def _known_periods(self) -> list[int]:
        """What an owner has learnt holds until it drops keys; a reader looks each time."""
        if self._periods is None or not self.epoch:
            periods: list[int] = []
            while found := self.session.query(_NEXT_PERIOD, (self.number, periods[-1] if periods else -1)):
                periods.append(found[0][0])
            self._periods = periods
        return self._periods

    def _note_periods(self, keys: Sequence[IndexEntry]) -> None:
        if self._periods is not None:
            self._periods = sorted({_period(entry.at_ms) for entry in keys}.union(self._periods))

    def take_over(self, owner: str, incarnation: int = 0) -> int:
        self._periods = None
        return super().take_over(owner, incarnation)

    def load_keys(self, keys: Iterable[tuple[bytes, bytes]]) -> dict[tuple[bytes, bytes], IndexEntry]:
        wanted = list(keys)
        periods = self._known_periods() if wanted else []
        if not periods:
            return {}
        customers, names = zip(*wanted, strict=True)
        found = self.session.query(_LOAD, (list(periods), list(customers), list(names), self.number))
        loaded: dict[tuple[bytes, bytes], IndexEntry] = {}
        for values in found:
            entry = IndexEntry(*values)
            pair = (entry.customer, entry.key)
            if pair not in loaded or _period(loaded[pair].at_ms) < _period(entry.at_ms):  # bound again later
                loaded[pair] = entry
        return loaded

    def drop_keys(self, before_ms: int, limit: int) -> int:
        kept = _period(before_ms)
        periods = self._known_periods()
        if not periods or periods[0] >= kept:
            return 0

        def drop(cursor: Cursor) -> None:
            cursor.execute(_DROP, (self.number, kept, limit), prepare=True)

        dropped = self.write(drop, soon=True)
        self._periods = None
        return dropped
