"""The journal as tools read it: rows with their facts, page by page; the same from a live shard and from its files.

A page: ``rows``: ``{"seq", "t": clock, "s": seed, "f": shard fact wires, "g": segments}``, a segment being ``[customer,
generation, public, fact wires or None where they are erased]``. ``next``: what to give as ``after`` next, None at the
end. ``last``: the newest row. ``base``: where a truncated journal begins (``seq``, ``t``, packed ``state``; its
profiles by ``base_page``), or None.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from actors.shard.store import ShardStore
from models import limits
from models.canonical import pack


@dataclass(slots=True)
class Rows:
    """Rows read so far. What lies before the base (answers from before a rebuilding) is not among them."""

    after: int
    limit: int
    rows: list[dict[str, Any]] = field(default_factory=list)
    bytes: int = 0
    is_end: bool = False

    @property
    def is_done(self) -> bool:
        return self.is_end or len(self.rows) >= self.limit or self.bytes >= limits.JOURNAL_PAGE_BYTES

    def read_some(self, store: ShardStore) -> None:
        """A few milliseconds' worth of rows."""
        if not self.after:
            self.after = base.seq if (base := store.journal.base()) else 0
        segments, before = 0, self.after
        for row in store.journal.rows(self.after, min(limits.READ_ROWS, self.limit - len(self.rows))):
            turn, wires = store.opened(row)
            parts = [
                [part.customer, part.generation, part.public, facts]
                for part, facts in zip(turn.segments, wires, strict=True)
            ]
            self.rows.append({"seq": row.seq, "t": turn.now_ms, "s": turn.turn_seed, "f": turn.shard_facts, "g": parts})
            self.bytes += len(row.payload)
            self.after = row.seq
            segments += len(parts)
            if segments >= limits.READ_SEGMENTS:
                break
        # A journal may have no rows at all after its base.
        self.is_end = self.after >= store.journal.last_seq or self.after == before

    def page(self, store: ShardStore) -> dict[str, Any]:
        base = store.journal.base()
        return {
            "rows": self.rows, "next": None if self.is_end else self.after, "last": store.journal.last_seq,
            "base": {"seq": base.seq, "t": base.at_ms, "state": base.state} if base else None,
        }


def _begin(after: int, limit: int) -> Rows:
    return Rows(after, max(1, min(limit, limits.JOURNAL_PAGE_ROWS_MAX)))


def journal_page(store: ShardStore, after: int, limit: int) -> dict[str, Any]:
    """Rows with ``seq > after``, at most ``limit`` and at most a bound in bytes: of a stopped shard's files."""
    rows = _begin(after, limit)
    while not rows.is_done:
        rows.read_some(store)
    return rows.page(store)


async def live_journal_page(
    store: ShardStore, writer: Callable[..., Awaitable[Any]], after: int, limit: int
) -> bytes:
    """The same of a live shard, packed; turns come in between the steps."""
    rows = _begin(after, limit)
    while not rows.is_done:
        await writer(rows.read_some, store)
    return pack(await writer(rows.page, store))


def base_page(store: ShardStore, after: bytes, limit: int) -> dict[str, Any]:
    """Profiles as of the base, in the order of customer keys: ``[[customer, generation, packed profile or None where it
    is erased], ...]`` and ``next``, the key to go on after."""
    limit = max(1, min(limit, limits.JOURNAL_PAGE_ROWS_MAX))
    found = store.journal.base_page(after, limit)
    opened = zip(found, store.unseal_profiles(found), strict=True)
    return {
        "profiles": [[stored.customer, stored.generation, p.packed if p else None] for stored, p in opened],
        "next": found[-1].customer if len(found) == limit else None,
    }
