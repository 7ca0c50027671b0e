"""Truncation: rows that a checkpoint covers and that are older than the retention are folded into a base and deleted.

The base is the shard's state and its customers' profiles as of the last deleted row, made by folding the deleted rows
themselves, so that an audit of the remaining rows starts from exactly what stood before them.
"""

from __future__ import annotations

from itertools import takewhile

from actors.journal.interface import Base, Row
from actors.journal.rows import TurnRow, unpack_row
from actors.shard.store import PlainProfile, ShardStore
from models import limits
from models.errors import InvariantBroken
from models.profile import packing
from models.profile.facts import from_wire
from models.profile.state import Profile
from models.turn.core import ShardCore
from models.turn.replay import fold_segment
from models.turn.shard_facts import from_wire as shard_fact_from_wire


def truncate_step(store: ShardStore, shard: int, before_ms: int) -> int:
    """Delete up to ``TRUNCATE_ROWS`` rows older than ``before_ms`` that the newest checkpoint covers; how many.

    Runs in the writer thread.
    """
    journal = store.journal
    covered = journal.checkpoint()
    base = journal.base()
    start = base.seq if base else 0
    if covered is None:
        return 0
    rows = list(takewhile(
        lambda row: row.at_ms < before_ms and row.seq <= covered.seq, journal.rows(start, limits.TRUNCATE_ROWS)
    ))
    if not rows:
        return 0
    core = ShardCore(shard)
    if base is not None:
        core.load_state(base.state)
    last = rows[-1]
    profiles = _fold(store, core, [(row, unpack_row(row.payload)) for row in rows])
    plain = [
        PlainProfile(customer, last.seq, profile.generation, 0, packing.pack(profile))
        for customer, profile in profiles.items() if profile is not None
    ]
    sealed = store.seal_profiles(plain)
    kept = {stored.customer for stored in sealed}
    erased = [customer for customer in profiles if customer not in kept]
    core.forget_keys(last.seq)
    return journal.truncate(last.seq + 1, Base(last.seq, last.at_ms, core.pack_state(), sealed, erased))


def _fold(store: ShardStore, core: ShardCore, turns: list[tuple[Row, TurnRow]]) -> dict[bytes, Profile | None]:
    customers = {part.customer: None for _, turn in turns for part in turn.segments}
    profiles: dict[bytes, Profile | None] = dict.fromkeys(customers)
    for stored in store.journal.base_profiles(customers).values():
        plain = store.unseal_profile(stored)
        profiles[stored.customer] = packing.unpack(plain.packed) if plain is not None else None
    for row, turn in turns:
        shard_facts = [shard_fact_from_wire(wire) for wire in turn.shard_facts]
        publics = [(part.customer, part.generation, part.public) for part in turn.segments]
        core.replay_row(turn.now_ms, shard_facts, publics, row.seq)
        for part in turn.segments:
            wires = store.facts_of(part)
            if core.state.plan is None:
                raise InvariantBroken(f"row {row.seq} has facts of a customer before the first catalog")
            profiles[part.customer] = None if wires is None else fold_segment(
                profiles[part.customer], part.generation, map(from_wire, wires), core.state.plan, turn.now_ms
            )
    return profiles
