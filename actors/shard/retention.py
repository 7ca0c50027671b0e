"""Truncation: rows that a checkpoint covers and that are older than the retention are folded into a base and deleted.

The base is the shard's state and its customers' profiles as of the last deleted row, made by folding the deleted rows
themselves, so that an audit of the remaining rows starts from exactly what stood before them.
"""

from __future__ import annotations

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


class Truncator:
    """Used in the writer thread alone."""

    def __init__(self, store: ShardStore, shard: int) -> None:
        self._store = store
        self._shard = shard
        #: The state as of the base, kept between steps.
        self._core: ShardCore | None = None

    def step(self, before_ms: int) -> int:
        """Delete a few of the rows older than ``before_ms`` that the newest checkpoint covers; returns how many."""
        journal = self._store.journal
        covered = journal.checkpoint()
        base = journal.base()
        rows = self._rows(base.seq if base else 0, covered.seq if covered else 0, before_ms)
        if not rows:
            self._core = None
            return 0
        core = self._core_at(base)
        last = rows[-1][0]
        profiles = _fold(self._store, core, rows)
        plain = [
            PlainProfile(customer, last.seq, profile.generation, 0, packing.pack(profile))
            for customer, profile in profiles.items() if profile is not None
        ]
        sealed = self._store.seal_profiles(plain)
        kept = {stored.customer for stored in sealed}
        erased = [customer for customer in profiles if customer not in kept]
        core.set_keys_apart()
        core.forget_keys()
        return journal.truncate(last.seq + 1, Base(last.seq, last.at_ms, core.pack_state(), sealed, erased))

    def _core_at(self, base: Base | None) -> ShardCore:
        seq = base.seq if base else 0
        if self._core is None or self._core.state.seq != seq:
            self._core = ShardCore(self._shard)
            if base is not None:
                self._core.load_state(base.state)
        return self._core

    def _rows(self, after: int, covered: int, before_ms: int) -> list[tuple[Row, TurnRow]]:
        """The next rows to delete: up to ``TRUNCATE_ROWS``, fewer when they have many customers."""
        rows: list[tuple[Row, TurnRow]] = []
        segments = 0
        for row in self._store.journal.rows(after, limits.TRUNCATE_ROWS):
            if row.at_ms >= before_ms or row.seq > covered or segments >= limits.FLUSH_PROFILES:
                break
            rows.append((row, unpack_row(row.payload)))
            segments += len(rows[-1][1].segments)
        return rows


def _fold(store: ShardStore, core: ShardCore, turns: list[tuple[Row, TurnRow]]) -> dict[bytes, Profile | None]:
    customers = {part.customer: None for _, turn in turns for part in turn.segments}
    profiles: dict[bytes, Profile | None] = dict.fromkeys(customers)
    store.keyring.keys({(part.customer, part.generation) for _, turn in turns for part in turn.segments})  # at once
    for plain in filter(None, store.unseal_profiles(store.journal.base_profiles(customers).values())):
        profiles[plain.customer] = packing.unpack(plain.packed)
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
