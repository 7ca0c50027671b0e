"""Making rows true in memory again, as a restart does. Runs in the writer thread.

A stored profile may be newer than the checkpoint (it was passivated since): facts that it has already are skipped,
while the shard-level part of every row after the checkpoint counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from actors.journal.interface import FlushBatch, Row
from actors.journal.rows import TurnRow, unpack_row
from actors.shard.parts import ShardParts
from models.errors import InvariantBroken
from models.profile.facts import from_wire
from models.turn.replay import fold_segment
from models.turn.shard_facts import from_wire as shard_fact_from_wire


class Erasure(NamedTuple):
    """A row ended this generation of a customer."""

    seq: int
    customer: bytes
    generation: int
    at_ms: int


class Replayed(NamedTuple):
    """What one row adds to the tail of the log."""

    seq: int
    segments: int
    bytes: int


def replay(parts: ShardParts, rows: Sequence[Row]) -> tuple[list[Replayed], list[Erasure]]:
    """Fold the next rows in. Writes nothing: that keys of erased customers are destroyed is the owner's business."""
    turns = [(row, unpack_row(row.payload)) for row in rows]
    customers = {part.customer: None for _, turn in turns for part in turn.segments}
    loaded = parts.store.load(parts.residency.missing(customers))
    for stored in loaded.profiles.values():
        parts.residency.admit(stored)
        parts.due.note(stored.customer, stored.due_ms)
    # Whose profile is gone was erased by the owner, whose log is read here with a delay: a key that is still known from
    # an earlier row would open facts that have nothing to build on.
    parts.store.keyring.forget([(ended.customer, ended.generation) for ended in loaded.receipts.values()])
    # All at once: a store behind a network is asked one time.
    parts.store.keyring.keys({(part.customer, part.generation) for _, turn in turns for part in turn.segments})
    replayed, erased = [], []
    for row, turn in turns:
        _replay_row(parts, row, turn)
        replayed.append(Replayed(row.seq, len(turn.segments), len(row.payload)))
        erased += [
            Erasure(row.seq, part.customer, part.generation, turn.now_ms)
            for part in turn.segments if "e" in part.public
        ]
    return replayed, erased


def _replay_row(parts: ShardParts, row: Row, turn: TurnRow) -> None:
    shard_facts = [shard_fact_from_wire(wire) for wire in turn.shard_facts]
    publics = [(part.customer, part.generation, part.public) for part in turn.segments]
    parts.core.replay_row(turn.now_ms, shard_facts, publics, row.seq)
    parts.recent_rows.note(row.seq, [part.customer for part in turn.segments], shard_facts)
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


def write_out(parts: ShardParts, customers: Sequence[bytes]) -> None:
    """Store those of them that are dirty. As the owner (blocking)."""
    profiles, erased = parts.residency.to_flush(customers)
    batch = FlushBatch(parts.store.seal_profiles(profiles), erased=[customer for customer, _ in erased])
    parts.store.journal.flush(batch)
    parts.residency.flushed(profiles, erased)
