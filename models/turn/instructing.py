"""The coordinator's instructions as shard facts: only what is new here, so a repeated answer makes no row."""

from __future__ import annotations

from models import limits
from models.budgets.periods import end_of_key
from models.coordination.messages import Instructions
from models.turn.shard_facts import (
    CatalogAdopted,
    ClockSet,
    EvidenceAdopted,
    Granted,
    Returned,
    RolesAdopted,
    ShardFact,
)
from models.turn.shard_state import ShardState


def facts_of(state: ShardState, instructions: Instructions, now_ms: int) -> list[ShardFact]:
    """Facts in the order in which they apply: the clock, the policy, what it reads, then units."""
    facts: list[ShardFact] = []
    if instructions.clock_ms > state.clock_ms:
        facts.append(ClockSet(instructions.clock_ms))
    catalog, evidence, roles = instructions.catalog, instructions.evidence, instructions.roles
    if catalog is not None and catalog.version != state.catalog_version:
        facts.append(CatalogAdopted(catalog.version, catalog.catalog))
    if evidence is not None and evidence.version > state.evidence.version:
        facts.append(EvidenceAdopted(evidence.version, [count.to_wire() for count in evidence.changes]))
    if roles is not None and roles.number > state.roles.number:
        facts.append(RolesAdopted(roles.to_wire()))
    return facts + _units(state, instructions, now_ms)


def _units(state: ShardState, instructions: Instructions, now_ms: int) -> list[ShardFact]:
    facts: list[ShardFact] = []
    positions = {(p.budget, p.period): p for p in state.escrow.positions()}
    for grant in instructions.grants:
        position = positions.get((grant.budget, grant.period))
        if grant.total > (position.granted if position else 0) and not _is_over(state, grant.period, now_ms):
            facts.append(Granted(grant.budget, grant.period, grant.total))
    for recall in instructions.recalls:
        position = positions.get((recall.budget, recall.period))
        total = state.escrow.returnable(recall.budget, recall.period, recall.total)
        if position is not None and total > position.returned:
            facts.append(Returned(recall.budget, recall.period, total))
    return facts


def _is_over(state: ShardState, period: str, now_ms: int) -> bool:
    """The escrow may have forgotten a period that ended so long ago."""
    if state.plan is None or not period:
        return False
    end_ms = end_of_key(period, state.plan.zone)
    return end_ms is not None and end_ms + limits.ESCROW_KEPT_MS <= now_ms
