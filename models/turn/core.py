"""The shard's state machine. Pure: the actor gives it commands, profiles, the clock and a seed.

    turn = core.begin(commands, profiles, known, now_ms, turn_seed)
    while (wave := turn.next_wave()) is not None:
        turn.resolve(wave, scored)                  # one ``Scored`` per part of the wave
    result = turn.finish()
    # the actor appends result.shard_facts and result.segments as one row, then:
    core.commit(result, seq)

Nothing of the core changes before ``commit``: dropping a turn (a failed append) is forgetting it. ``commit`` does
exactly what ``replay_row`` does with the same row, so a restarted shard stands where the crashed one stood.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from models.budgets.escrow import units_per_decision
from models.coordination.messages import Instructions, Report
from models.errors import InvariantBroken
from models.profile.state import Profile
from models.turn import instructing
from models.turn.commands import Command
from models.turn.keys import KeyPair, RecentKey, Remembered
from models.turn.publics import Deltas
from models.turn.receipts import Receipt
from models.turn.results import TurnResult
from models.turn.shard_facts import ShardFact
from models.turn.shard_state import ShardState
from models.turn.waves import Turn

_NOBODY: Final[Mapping[bytes, Receipt]] = MappingProxyType({})


class ShardCore:
    def __init__(self, shard: int) -> None:
        self.state = ShardState(shard)
        #: Counts of evidence and of experiments up to here are durable at the coordinator; 0 after a start: tell
        #: everything again.
        self._counts_mark = 0
        self._experiments_mark = 0

    def now_ms(self, wall_ms: int) -> int:
        """The clock of the next turn: the manual clock where one is set, else the wall's; never backwards."""
        return max(self.state.last_ms, self.state.clock_ms or wall_ms)

    def begin(
        self, commands: list[Command], profiles: Mapping[bytes, Profile | None],
        known: Mapping[KeyPair, Remembered], now_ms: int, turn_seed: bytes, receipts: Mapping[bytes, Receipt] = _NOBODY,
    ) -> Turn:
        """Start a turn. ``profiles`` holds every customer of ``commands`` (None: never seen or erased); ``known`` the
        keys of ``keys.wanted(commands)`` that the store remembers, ``receipts`` those customers without a profile that
        were erased. ``now_ms`` is max(last logged, clock)."""
        return Turn(self.state, commands, profiles, known, now_ms, turn_seed, receipts)

    def adopt(self, facts: list[ShardFact], now_ms: int, turn_seed: bytes) -> TurnResult:
        """A turn of shard facts alone: append it as any other, then ``commit`` applies them."""
        return TurnResult(now_ms, turn_seed, shard_facts=facts)

    def commit(self, result: TurnResult, seq: int) -> None:
        """The row is durable under ``seq``: make it true."""
        self.replay_row(result.now_ms, result.shard_facts, result.publics, seq)
        self.note_missed(result.missed)

    def note_missed(self, missed: Iterable[tuple[str, str]]) -> None:
        """Units that decisions went without: the next report asks for them. A wish, not part of the state."""
        plan = self.state.plan
        units = units_per_decision(plan) if plan is not None and missed else {}
        for budget, period in missed:
            self.state.escrow.missed(budget, period, units.get(budget, 1))

    def replay_row(
        self, now_ms: int, shard_facts: Iterable[ShardFact], publics: Iterable[tuple[bytes, int, dict[str, Any]]],
        seq: int,
    ) -> None:
        """Fold one row into the shard-level state; publics are (customer, generation, public) in row order."""
        state = self.state
        if seq <= state.seq:
            raise InvariantBroken(f"row {seq} was folded in already; the state stands at {state.seq}")
        for fact in shard_facts:
            state.apply_shard_fact(fact)
        deltas = Deltas()
        for customer, _, public in publics:
            deltas.add_public(public)
            state.apply_public(customer, public, now_ms, seq)
        state.apply_deltas(deltas)
        state.last_ms = max(state.last_ms, now_ms)
        state.seq = seq

    def report(self, epoch: int, number: int, now_ms: int) -> Report:
        """What ``Coordinator.sync`` is told: committed state only."""
        state = self.state
        wants = tuple(state.escrow.wants(state.plan, now_ms)) if state.plan is not None else ()
        return Report(
            state.shard, epoch, number, state.catalog_version or "", state.evidence.version, state.roles.number,
            state.clock_ms, state.escrow.positions(), wants, state.counts.changes_since(self._counts_mark),
            state.counts.mark, state.experiments.changes_since(self._experiments_mark), state.experiments.mark,
        )

    def instruct(self, instructions: Instructions, now_ms: int) -> list[ShardFact]:
        """The coordinator's answer as facts to ``adopt``; empty when there is nothing new. Call it between turns:
        units that an unfinished turn may take must not be given back meanwhile."""
        self._counts_mark = max(self._counts_mark, instructions.counts_mark)
        self._experiments_mark = max(self._experiments_mark, instructions.experiments_mark)
        return instructing.facts_of(self.state, instructions, now_ms)

    def set_keys_apart(self) -> Mapping[KeyPair, RecentKey]:
        """All keys of rows up to ``state.seq`` that the store may not have, for a checkpoint to write out."""
        state = self.state
        state.apart, state.recent = (state.apart | state.recent if state.apart else state.recent), {}
        return state.apart

    def forget_keys(self, count: int = sys.maxsize) -> bool:
        """The store remembers every key that was set apart: forget ``count`` of them. False when none is left."""
        apart = self.state.apart
        for _ in range(min(count, len(apart))):
            apart.popitem()
        return bool(apart)

    def forget_until(self, seq: int) -> None:
        """The store remembers every key of the rows up to ``seq``, which somebody else wrote out: forget those."""
        state = self.state
        state.recent = {pair: known for pair, known in state.recent.items() if known.seq > seq}

    def pack_state(self) -> bytes:
        """Everything at shard level but the recent keys, for a checkpoint at ``state.seq``."""
        return self.state.pack()

    def load_state(self, data: bytes) -> None:
        """Stand where ``pack_state`` stood."""
        self.state = ShardState.unpack(self.state.shard, data)

    def validate(self) -> None:
        """Raises ``InvariantBroken`` when the shard-level state contradicts itself."""
        self.state.validate()
