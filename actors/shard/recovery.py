"""Coming back: the last checkpoint, then the rows after it. Runs in the writer thread before the first turn.

A stored profile may be newer than the checkpoint (it was passivated since): facts that it has already are skipped,
while the shard-level part of every row after the checkpoint counts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice

import structlog

from actors.journal.interface import FlushBatch, Row
from actors.journal.rows import TurnRow, unpack_row
from actors.shard.parts import ShardParts
from models import limits
from models.errors import InvariantBroken, JournalFailed
from models.profile.facts import from_wire
from models.turn.replay import fold_segment
from models.turn.shard_facts import from_wire as shard_fact_from_wire

log = structlog.get_logger(__name__)


def recover(parts: ShardParts, owner: str) -> None:
    """Become the owner and stand where the last owner stood. Raises JournalFailed when the journal cannot be read."""
    started = time.monotonic()
    journal = parts.store.journal
    epoch = journal.take_over(owner)
    checkpoint = journal.checkpoint()
    if checkpoint is not None:
        parts.core.load_state(checkpoint.state)
        if parts.core.state.seq != checkpoint.seq:
            raise JournalFailed(f"checkpoint {checkpoint.seq} holds the state of row {parts.core.state.seq}")
    elif journal.oldest_seq() > 1:
        raise JournalFailed("the journal was truncated but has no checkpoint; restore it from a backup")
    for rows in _chunks(journal.rows(parts.core.state.seq), limits.READ_ROWS):
        _replay(parts, rows)
        make_room(parts)
    if parts.core.state.seq != journal.last_seq:
        raise JournalFailed(f"replay ended at row {parts.core.state.seq}, the journal at {journal.last_seq}")
    parts.core.validate()
    log.info("shard recovered", shard=parts.settings.shard, epoch=epoch, seq=journal.last_seq,
             rows_replayed=parts.tail.turns, customers_in_memory=len(parts.residency),
             took_ms=round((time.monotonic() - started) * 1_000))


def _chunks(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, size)):
        yield chunk


def _replay(parts: ShardParts, rows: list[Row]) -> None:
    turns = [(row, unpack_row(row.payload)) for row in rows]
    customers = {part.customer: None for _, turn in turns for part in turn.segments}
    loaded = parts.store.load(parts.residency.missing(customers))
    for stored in loaded.profiles.values():
        parts.residency.admit(stored)
        parts.due.note(stored.customer, stored.due_ms)
    for row, turn in turns:
        _replay_row(parts, row, turn)


def _replay_row(parts: ShardParts, row: Row, turn: TurnRow) -> None:
    parts.store.recovered(turn)
    shard_facts = [shard_fact_from_wire(wire) for wire in turn.shard_facts]
    publics = [(part.customer, part.generation, part.public) for part in turn.segments]
    parts.core.replay_row(turn.now_ms, shard_facts, publics, row.seq)
    parts.recent_rows.note(row.seq, [part.customer for part in turn.segments], shard_facts)
    parts.tail.grow(len(turn.segments), len(row.payload))
    plan = parts.core.state.plan
    # A customer may have two segments in a row, before and after an erasure: what the store has is asked once.
    newer = {part.customer: _newer(parts, part.customer, row.seq) for part in turn.segments}
    for part in turn.segments:
        if not newer[part.customer]:
            continue
        if plan is None:
            raise InvariantBroken(f"row {row.seq} has facts of a customer before the first catalog")
        wires = parts.store.facts_of(part)
        profile = None
        if wires is not None:
            before = parts.residency.take([part.customer])[part.customer]
            profile = fold_segment(before, part.generation, map(from_wire, wires), plan, turn.now_ms)
        entry = parts.residency.settle(part.customer, profile, row.seq)
        parts.due.note(part.customer, entry.due_ms)


def _newer(parts: ShardParts, customer: bytes, seq: int) -> bool:
    """Whether row ``seq`` has facts that the customer in memory does not have yet."""
    entry = parts.residency.get(customer)
    return entry is None or entry.seq < seq


def make_room(parts: ShardParts) -> None:
    """Bring memory back under its bound, writing out as much as that needs (blocking)."""
    while waiting := parts.residency.shrink(limits.FLUSH_PROFILES):
        profiles, erased = parts.residency.to_flush(waiting)
        batch = FlushBatch(parts.store.seal_profiles(profiles), erased=[customer for customer, _ in erased])
        parts.store.journal.flush(batch)
        parts.residency.flushed(profiles, erased)
