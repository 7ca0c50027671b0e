"""Why a past decision was made: it is decided again, on the customer, plan, evidence and roles of that moment.

The customer is folded from its base (or its birth) up to the decision; plan, evidence and roles come from the nearest
checkpoint before it and the adoptions since. Turns come in between the steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from actors.journal.rows import unpack_row
from actors.shard.parts import CATALOG_ROWS, EVIDENCE_ROWS, ROLES_ROWS, ShardParts
from actors.shard.scorer_client import ScorerClient
from actors.shard.speaking_features import SpeakingFeatures
from actors.shard.timeline import rows_of
from models import limits
from models.errors import InvariantBroken, KairosError
from models.profile import packing
from models.profile.facts import Decided, from_wire
from models.profile.state import Profile
from models.scoring.evidence import Evidence
from models.scoring.matrix import layouts_of
from models.scoring.roles import Roles
from models.turn.replay import Fold, Reexecution, Replayed
from models.turn.shard_facts import CatalogAdopted, EvidenceAdopted, RolesAdopted, ShardFact
from models.turn.shard_facts import from_wire as shard_fact_from_wire
from models.turn.shard_state import ShardState

_ALL = 2**31


class NoSuchDecisionError(KairosError):
    """This customer never got such a decision, or it is erased."""


class TruncatedError(KairosError):
    """The decision is older than the journal's retention."""


class Explainer:
    def __init__(self, parts: ShardParts, scorer: ScorerClient) -> None:
        self._parts = parts
        self._speaking = SpeakingFeatures(scorer)

    async def explain(self, customer: bytes, decision_id: str) -> dict[str, Any]:
        """The contract's Explanation. Raises NoSuchDecisionError, TruncatedError; InvariantBroken when bytes differ."""
        rows = sorted(await rows_of(self._parts, customer, 2**62, _ALL))
        fold = await self._parts.writer(self._start, customer)
        has_older = fold.profiles[customer] is not None
        changes = sorted(await rows_of(self._parts, CATALOG_ROWS, 2**62, _ALL, fold.state.seq))
        todo = sorted({*rows, *changes})
        while todo:
            part, todo = todo[: limits.READ_ROWS], todo[limits.READ_ROWS :]
            found = await self._parts.writer(self._fold, fold, customer, decision_id, part)
            if found is not None:
                seq, replayed = found
                return await self._reexecute(seq, replayed)
        if has_older:
            raise TruncatedError("this decision is older than what the journal keeps")
        raise NoSuchDecisionError("this customer has no such decision")

    def _start(self, customer: bytes) -> Fold:
        """Where the kept journal begins. In the writer thread."""
        store, shard = self._parts.store, self._parts.settings.shard
        base = store.journal.base()
        state = ShardState.unpack(shard, base.state) if base else ShardState(shard)
        stored = store.journal.base_profiles([customer]).get(customer)
        plain = store.unseal_profile(stored) if stored else None
        profile: Profile | None = packing.unpack(plain.packed) if plain else None
        return Fold(state, {customer: profile})

    def _fold(
        self, fold: Fold, customer: bytes, decision_id: str, rows: Sequence[int]
    ) -> tuple[int, Replayed] | None:
        """Fold this customer's part of these rows; the decision and its row if it is among them."""
        store = self._parts.store
        for seq in rows:
            row = store.journal.row(seq)
            if row is None:
                continue
            turn, wires = store.opened(row, customer)
            segments = [
                (part.customer, part.generation, None if part_wires is None else [from_wire(w) for w in part_wires])
                for part, part_wires in zip(turn.segments, wires, strict=True) if part.customer == customer
            ]
            adopted = [shard_fact_from_wire(wire) for wire in turn.shard_facts]
            catalogs: list[ShardFact] = [fact for fact in adopted if isinstance(fact, CatalogAdopted)]
            for replayed in fold.row(turn.now_ms, catalogs, segments):
                if replayed.fact.decision_id == decision_id:
                    return seq, replayed
        return None

    async def _reexecute(self, seq: int, replayed: Replayed) -> dict[str, Any]:
        evidence = await self._evidence_at(seq, replayed.fact)
        roles = await self._roles_at(seq)
        active = roles.keeping(layouts_of(roles, replayed.plan).__contains__)
        exact = replace(replayed, evidence=evidence, roles=active)
        again: Reexecution = exact.reexecute()
        if not again.equals(replayed.fact):
            raise InvariantBroken(f"decision {replayed.fact.decision_id} does not come out as it was logged")
        if exact.fact.scores and not exact.fact.top_features:
            return again.told(await self._speaking.of(exact))
        return again.explanation

    async def _evidence_at(self, seq: int, fact: Decided) -> Evidence:
        """The evidence that the shard had adopted before row ``seq``."""
        state = self._parts.core.state
        if state.evidence.version == fact.evidence_version:
            return state.evidence
        start = await self._parts.writer(self._state_before, seq)
        evidence = start.evidence
        adoptions = sorted(await rows_of(self._parts, EVIDENCE_ROWS, seq, _ALL, start.seq))
        while adoptions and evidence.version != fact.evidence_version:
            part, adoptions = adoptions[: limits.READ_ROWS], adoptions[limits.READ_ROWS :]
            evidence = await self._parts.writer(self._adopt, evidence, part)
        return evidence

    async def _roles_at(self, seq: int) -> Roles:
        """The roles that the shard had adopted before row ``seq``."""
        adopted = await rows_of(self._parts, ROLES_ROWS, seq, 1)
        return await self._parts.writer(self._roles, seq, adopted)

    def _roles(self, seq: int, adopted: Sequence[int]) -> Roles:
        """From the newest adoption, else from the state that was kept. In the writer thread."""
        for row in filter(None, map(self._parts.store.journal.row, adopted)):
            for wire in reversed(unpack_row(row.payload).shard_facts):
                fact = shard_fact_from_wire(wire)
                if isinstance(fact, RolesAdopted):
                    return Roles.from_wire(fact.roles)
        return self._state_before(seq).roles

    def _state_before(self, seq: int) -> ShardState:
        """The nearest state that was kept from before row ``seq``. In the writer thread."""
        journal, shard = self._parts.store.journal, self._parts.settings.shard
        found = journal.checkpoint(seq - 1) or journal.base()
        return ShardState.unpack(shard, found.state) if found else ShardState(shard)

    def _adopt(self, evidence: Evidence, rows: Sequence[int]) -> Evidence:
        scratch = ShardState(self._parts.settings.shard, evidence=evidence)
        for seq in rows:
            row = self._parts.store.journal.row(seq)
            for wire in unpack_row(row.payload).shard_facts if row else ():
                fact = shard_fact_from_wire(wire)
                if isinstance(fact, EvidenceAdopted):
                    scratch.apply_shard_fact(fact)
        return scratch.evidence


