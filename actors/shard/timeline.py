"""A customer's timeline: its events, decisions and outcomes as they were applied, newest first, from the journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from actors.shard.parts import ShardParts
from models import canonical, limits
from models.errors import BadInput
from models.profile.facts import Decided, EventApplied, Fact, OutcomeApplied, ResponseEnded, from_wire
from models.times import format_time


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
    bound = before[0] + 1
    while len(items) <= limit:
        rows = await rows_of(parts, customer, bound, limits.READ_ROWS)
        if not rows:
            break
        items += [
            item for item in await parts.writer(_read, parts, customer, generation, rows) if item[0] < before
        ]
        bound = rows[-1]
    page = items[:limit]
    following = page[-1][0] if len(items) > limit else None
    return {
        "items": [item for _, item in page],
        "next_before": f"{following[0]}.{following[1]}" if following else None,
    }


async def rows_of(parts: ShardParts, name: bytes, before_seq: int, limit: int, after_seq: int = 0) -> list[int]:
    """Rows that concern a customer (or a ``parts.*_ROWS``), newest first: recent ones, then those in the index."""
    recent = [seq for seq in reversed(parts.recent_rows.of(name)) if after_seq < seq < before_seq][:limit]
    if len(recent) == limit:
        return recent
    stored = await parts.writer(parts.store.journal.rows_of, name, before_seq, limit, after_seq)
    return sorted({*recent, *stored}, reverse=True)[:limit]


def _read(
    parts: ShardParts, customer: bytes, generation: int, rows: Sequence[int]
) -> list[tuple[tuple[int, int], dict[str, Any]]]:
    """Items of these rows with their (row, place), newest first. Runs in the writer thread."""
    found = []
    for seq in rows:
        row = parts.store.journal.row(seq)
        if row is None:
            continue
        turn, wires = parts.store.opened(row, customer)
        facts = [
            from_wire(wire) for part, part_wires in zip(turn.segments, wires, strict=True)
            if part_wires is not None and part.generation == generation for wire in part_wires
        ]
        items = [((seq, place), item) for place, item in enumerate(_items(facts, turn.now_ms))]
        found += reversed(items)
    return found


def _items(facts: Sequence[Fact], now_ms: int) -> Iterator[dict[str, Any]]:
    for fact in facts:
        if isinstance(fact, EventApplied):
            body: dict[str, Any] = {
                "event_id": fact.event_id, "type": fact.type, "time": format_time(fact.time_ms),
                "channel": fact.channel, "properties": fact.properties,
            }
            yield _item("event", fact.time_ms, fact.event_id, body)
        elif isinstance(fact, Decided):
            yield _item("decision", now_ms, fact.decision_id, canonical.unpack(fact.reply))
        elif isinstance(fact, OutcomeApplied):
            body = {
                "outcome_id": fact.outcome_id, "decision_id": fact.decision_id, "action": fact.action,
                "type": fact.type, "time": format_time(fact.time_ms), "value": fact.value,
            }
            if fact.late:
                body["late"] = True
            yield _item("outcome", fact.time_ms, fact.outcome_id, body)
        elif isinstance(fact, ResponseEnded) and fact.silent:
            # Written by the system: it has no id of a caller.
            body = {"decision_id": fact.decision_id, "action": fact.action, "type": "none",
                    "time": format_time(fact.ended_ms), "value": None}
            yield _item("outcome", fact.ended_ms, f"{fact.decision_id}:{fact.action}:none", body)


def _item(kind: str, time_ms: int, id_: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "time": format_time(time_ms), "id": id_, "body": body}
