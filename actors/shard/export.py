"""The journal as tools read it: rows with their facts, page by page; the same from a live shard and from its files."""

from __future__ import annotations

from typing import Any

from actors.shard.store import ShardStore
from models import limits
from models.canonical import pack


def journal_page(store: ShardStore, after: int, limit: int) -> dict[str, Any]:
    """Rows with ``seq > after``, at most ``limit``.

    ``rows``: ``{"seq", "t": clock, "s": seed, "f": shard fact wires, "g": segments}``, a segment being ``[customer,
    generation, public, fact wires or None where they are erased]``. ``next``: what to give as ``after`` next, None at
    the end. ``last``: the newest row. ``base``: where a truncated journal begins (``seq``, ``t``, packed ``state``; its
    profiles by ``base_page``), or None.
    """
    journal = store.journal
    limit = max(1, min(limit, limits.JOURNAL_PAGE_ROWS_MAX))
    rows: list[dict[str, Any]] = []
    newest = after
    for row in journal.rows(after, limit):
        turn, wires = store.opened(row)
        segments = [
            [part.customer, part.generation, part.public, facts]
            for part, facts in zip(turn.segments, wires, strict=True)
        ]
        newest = row.seq
        rows.append({"seq": row.seq, "t": turn.now_ms, "s": turn.turn_seed, "f": turn.shard_facts, "g": segments})
    base = journal.base()
    return {
        "rows": rows, "next": newest if newest < journal.last_seq and rows else None, "last": journal.last_seq,
        "base": {"seq": base.seq, "t": base.at_ms, "state": base.state} if base else None,
    }


def base_page(store: ShardStore, after: bytes, limit: int) -> dict[str, Any]:
    """Profiles as of the base, in the order of customer keys: ``[[customer, generation, packed profile or None where it
    is erased], ...]`` and ``next``, the key to go on after."""
    limit = max(1, min(limit, limits.JOURNAL_PAGE_ROWS_MAX))
    found = store.journal.base_page(after, limit)
    opened = [(stored, store.unseal_profile(stored)) for stored in found]
    return {
        "profiles": [[stored.customer, stored.generation, p.packed if p else None] for stored, p in opened],
        "next": found[-1].customer if len(found) == limit else None,
    }


def packed_journal_page(store: ShardStore, after: int, limit: int) -> bytes:
    return pack(journal_page(store, after, limit))


def packed_base_page(store: ShardStore, after: bytes, limit: int) -> bytes:
    return pack(base_page(store, after, limit))
