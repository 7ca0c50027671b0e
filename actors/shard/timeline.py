"""A customer's timeline: its events, decisions and outcomes as they were applied, newest first, from the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.shard.parts import ShardParts
from actors.shard.timeline_rows import RowRead
from models import limits
from models.errors import BadInput
from models.profile.facts import from_wire


def parse_before(text: str | int | None) -> tuple[int, int]:
    """``next_before`` of the page before -> (row, place): items before that place. None: from the newest on."""
    if text is None:
        return 2**62, 2**31
    row, _, place = str(text).partition(".")
    if not row.isdecimal() or not place.isdecimal() or len(row) > 18 or len(place) > 9:
        raise BadInput(f"before={text!r} is not the next_before of a timeline")
    return int(row), int(place)


async def timeline(
    parts: ShardParts, customer: bytes, generation: int, limit: int, before: tuple[int, int]
) -> dict[str, Any]:
    """The body of ``GET /v1/customers/{id}/timeline``. Reads a few rows at a time, so that turns come in between."""
    items: list[tuple[tuple[int, int], dict[str, Any]]] = []
    versions = Versions()
    bound = before[0] + 1
    while len(items) <= limit or versions.wanted:
        rows = await rows_of(parts, customer, bound, limits.READ_ROWS)
        if not rows:
            break
        for found in await parts.writer(_read, parts, customer, generation, rows):
            versions.told(found)
            items += [item for item in reversed(found.items) if item[0] < before]
        bound = rows[-1]
    page = items[:limit]
    following = page[-1][0] if len(items) > limit else None
    return {
        "items": [item for _, item in page],
        "next_before": f"{following[0]}.{following[1]}" if following else None,
    }


class Versions:
    """Writes ``state_version`` into items as rows come, newest first: a row that does not say its own is counted from
    the row after it, or waits for one before it that does."""

    def __init__(self) -> None:
        #: Before the row that was told last; None while no row has said any.
        self._before: int | None = None
        self._waiting: list[RowRead] = []

    @property
    def wanted(self) -> bool:
        """Items wait for an older row."""
        return any(row.items for row in self._waiting)

    def told(self, row: RowRead) -> None:
        before = row.before if self._before is None else self._before - row.made
        if before is None:
            self._waiting.append(row)
            return
        self._before = before
        _write(row, before)
        after = before + row.made
        for waiting in reversed(self._waiting):
            _write(waiting, after)
            after += waiting.made
        self._waiting.clear()


def _write(row: RowRead, before: int) -> None:
    for (_, item), step in zip(row.items, row.steps, strict=True):
        item["state_version"] = before + step


async def rows_of(parts: ShardParts, name: bytes, before_seq: int, limit: int, after_seq: int = 0) -> list[int]:
    """Rows that concern a customer (or a ``parts.*_ROWS``), newest first: recent ones, then those in the index."""
    recent = [seq for seq in reversed(parts.recent_rows.of(name)) if after_seq < seq < before_seq][:limit]
    if len(recent) == limit:
        return recent
    stored = await parts.writer(parts.store.journal.rows_of, name, before_seq, limit, after_seq)
    return sorted({*recent, *stored}, reverse=True)[:limit]


def _read(parts: ShardParts, customer: bytes, generation: int, rows: Sequence[int]) -> list[RowRead]:
    """What these rows, newest first, say of this generation. Runs in the writer thread."""
    found = []
    for seq in rows:
        row = parts.store.journal.row(seq)
        if row is None:
            continue
        turn, wires = parts.store.opened(row, customer)
        for part, part_wires in zip(turn.segments, wires, strict=True):
            if part_wires is not None and part.generation == generation:
                facts = [from_wire(wire) for wire in part_wires]
                found.append(RowRead.of(seq, facts, part.public, turn.now_ms))
    return found
