"""Why a past decision was made: it is decided again, on the customer, plan, evidence and roles of that moment.

The customer is folded from its base (or its birth) up to the decision; plan, evidence and roles come from the nearest
checkpoint before it and the adoptions since. Turns come in between the steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, NamedTuple

from actors.shard.parts import ShardParts
from actors.shard.past import Past
from actors.shard.scorer_client import ScorerClient
from actors.shard.shard_past import ShardPast
from actors.shard.speaking_features import SpeakingFeatures
from actors.shard.timeline import rows_of
from models import limits
from models.errors import InvariantBroken
from models.profile import packing
from models.profile.facts import from_wire
from models.profile.state import Profile
from models.scoring.matrix import layouts_of
from models.turn.replay import Fold, Reexecution, Replayed
from models.turn.shard_facts import CatalogAdopted, ShardFact
from models.turn.shard_facts import from_wire as shard_fact_from_wire
from models.turn.shard_state import ShardState

_ALL = 2**31


class Rerun(NamedTuple):
    """A decision that was decided again."""

    replayed: Replayed
    again: Reexecution

    def told(self) -> dict[str, Any]:
        """The body of ``POST /v1/decisions/{id}:rerun``; a difference is told, not raised."""
        logged = self.replayed.fact.reply
        return {
            "same": self.again.equals(self.replayed.fact), "bytes": len(logged),
            "logged_sha256": sha256(logged).hexdigest(), "rerun_sha256": sha256(self.again.reply).hexdigest(),
        }


class Explainer:
    def __init__(self, parts: ShardParts, scorer: ScorerClient, shard: ShardPast, past: Past) -> None:
        self._parts = parts
        self._shard = shard
        self._past = past
        self._speaking = SpeakingFeatures(scorer)

    async def explain(self, customer: bytes, decision_id: str) -> dict[str, Any]:
        """The contract's Explanation. Raises NoSuchDecisionError, TruncatedError; InvariantBroken when bytes differ."""
        exact, again = await self.rerun(customer, decision_id)
        if not again.equals(exact.fact):
            raise InvariantBroken(f"decision {decision_id} does not come out as it was logged")
        if exact.fact.scores and not exact.fact.top_features:
            return again.told(await self._speaking.of(exact))
        return again.explanation

    async def rerun(self, customer: bytes, decision_id: str) -> Rerun:
        """Decide it again on what it was decided on. Raises NoSuchDecisionError, TruncatedError."""
        seq, replayed = await self._find(customer, decision_id)
        evidence = await self._shard.evidence_at(seq, replayed.fact.evidence_version)
        roles = await self._shard.roles_at(seq)
        active = roles.keeping(layouts_of(roles, replayed.plan).__contains__)
        exact = replace(replayed, evidence=evidence, roles=active)
        return Rerun(exact, exact.reexecute())

    async def _find(self, customer: bytes, decision_id: str) -> tuple[int, Replayed]:
        """The decision with the customer before it, and its row."""
        rows = sorted(await rows_of(self._parts, customer, 2**62, _ALL))
        fold = await self._parts.writer(self._start, customer)
        changes = await self._shard.catalog_rows(2**61, fold.state.seq)
        todo = sorted({*rows, *changes})
        while todo:
            part, todo = todo[: limits.READ_ROWS], todo[limits.READ_ROWS :]
            found = await self._parts.writer(self._fold, fold, customer, decision_id, part)
            if found is not None:
                return found
        raise await self._past.no_decision(customer)

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
