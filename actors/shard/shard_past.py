"""Plans, evidence and roles that a shard had adopted by a row of its journal: from the nearest state that was kept, and
the adoptions since. A few rows at a time, so that turns come in between."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from actors.journal.rows import unpack_row
from actors.shard.parts import CATALOG_ROWS, EVIDENCE_ROWS, ROLES_ROWS, ShardParts
from actors.shard.timeline import rows_of
from models import limits
from models.budgets.escrow import Escrow
from models.catalog.check import compile_catalog
from models.catalog.plan import Plan
from models.profile import packing
from models.profile.state import Profile
from models.scoring.evidence import Evidence
from models.scoring.roles import Roles
from models.turn.publics import Deltas
from models.turn.shard_facts import (
    CatalogAdopted,
    EvidenceAdopted,
    Granted,
    Returned,
    RolesAdopted,
    ShardFact,
    from_wire,
)
from models.turn.shard_state import Kept, ShardState, kept_of

_ALL = 2**31


@dataclass(frozen=True, slots=True)
class Begin:
    """Where the kept journal begins; row 0 without anything before it."""

    seq: int
    at_ms: int
    plan: Plan | None
    #: The customer as of then, a private copy; None for one that was not there.
    profile: Profile | None


class ShardPast:
    def __init__(self, parts: ShardParts) -> None:
        self._parts = parts
        #: Compiled lately, by version. Touched in the writer thread alone.
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._base_plan: tuple[int, Plan | None] = (0, None)

    def begin(self, customer: bytes, generation: int) -> Begin:
        """The base, with this generation of a customer. In the writer thread."""
        store, shard = self._parts.store, self._parts.settings.shard
        base = store.journal.base()
        if base is None:
            return Begin(0, 0, None, None)
        if self._base_plan[0] != base.seq:
            self._base_plan = base.seq, ShardState.unpack(shard, base.state).plan
        stored = store.journal.base_profiles([customer]).get(customer)
        plain = store.unseal_profile(stored) if stored and stored.generation == generation else None
        profile = None
        if plain is not None:
            profile = packing.unpack(plain.packed)
            profile.generation = generation
        return Begin(base.seq, base.at_ms, self._base_plan[1], profile)

    def plan_of(self, adopted: CatalogAdopted) -> Plan:
        """Of a logged catalog; the live one is not compiled again. In the writer thread."""
        live = self._parts.core.state.plan
        if live is not None and live.version == adopted.version:
            return live
        plan = self._plans.get(adopted.version)
        if plan is None:
            plan = self._plans[adopted.version] = compile_catalog(adopted.catalog)
            while len(self._plans) > limits.PAST_PLANS_KEPT:
                self._plans.popitem(last=False)
        self._plans.move_to_end(adopted.version)
        return plan

    async def catalog_rows(self, until_seq: int, after_seq: int) -> list[int]:
        """Rows that adopted a catalog, oldest first: after ``after_seq``, up to ``until_seq``."""
        return sorted(await rows_of(self._parts, CATALOG_ROWS, until_seq + 1, _ALL, after_seq))

    async def evidence_at(self, seq: int, version: int | None = None) -> Evidence:
        """What the shard had adopted by row ``seq``; with a version, that one."""
        live = self._parts.core.state.evidence
        if live.version == version or not await rows_of(self._parts, EVIDENCE_ROWS, 2**62, 1, seq):
            return live
        start = await self._parts.writer(self._kept, seq)
        evidence = start.evidence
        adoptions = sorted(await rows_of(self._parts, EVIDENCE_ROWS, seq + 1, _ALL, start.seq))
        while adoptions and evidence.version != version:
            part, adoptions = adoptions[: limits.READ_ROWS], adoptions[limits.READ_ROWS :]
            evidence = await self._parts.writer(self._adopt, evidence, part)
        return evidence

    async def roles_at(self, seq: int) -> Roles:
        """The roles that the shard had adopted by row ``seq``."""
        live = self._parts.core.state.roles
        if not await rows_of(self._parts, ROLES_ROWS, 2**62, 1, seq):
            return live
        adopted = await rows_of(self._parts, ROLES_ROWS, seq + 1, 1)
        return await self._parts.writer(self._roles, seq, adopted)

    async def escrow_at(self, seq: int) -> Escrow | None:
        """The units that the shard had by row ``seq``; None where too many rows would have to be read for that."""
        start = await self._parts.writer(self._kept, seq)
        if seq - start.seq > limits.PAST_ESCROW_ROWS_MAX:
            return None
        rows = range(start.seq + 1, seq + 1)
        for at in range(0, len(rows), limits.READ_ROWS):
            if not await self._parts.writer(self._account, start.escrow, rows[at : at + limits.READ_ROWS]):
                return None
        return start.escrow

    def _account(self, escrow: Escrow, rows: Sequence[int]) -> bool:
        """Fold the units of the next rows into ``escrow``; False when one was truncated. In the writer thread."""
        for row in map(self._parts.store.journal.row, rows):
            if row is None:
                return False
            turn, deltas = unpack_row(row.payload), Deltas()
            for fact in shard_facts_of(turn.shard_facts):
                if isinstance(fact, Granted):
                    escrow.grant(fact.budget, fact.period, fact.total)
                elif isinstance(fact, Returned):
                    escrow.returned(fact.budget, fact.period, fact.total)
            for part in turn.segments:
                deltas.add_public(part.public)
            for (budget, period), sums in deltas.budgets.items():
                escrow.apply_delta(budget, period, *sums)
        return True

    def _roles(self, seq: int, adopted: Sequence[int]) -> Roles:
        """From the newest adoption, else from the state that was kept. In the writer thread."""
        for row in filter(None, map(self._parts.store.journal.row, adopted)):
            for fact in reversed(shard_facts_of(unpack_row(row.payload).shard_facts)):
                if isinstance(fact, RolesAdopted):
                    return Roles.from_wire(fact.roles)
        return self._kept(seq).roles

    def _kept(self, seq: int) -> Kept:
        """The nearest that was kept from row ``seq`` or before. In the writer thread."""
        journal = self._parts.store.journal
        found = journal.checkpoint(seq) or journal.base()
        return kept_of(found.state) if found else Kept(0, Evidence(), Roles(), Escrow())

    def _adopt(self, evidence: Evidence, rows: Sequence[int]) -> Evidence:
        scratch = ShardState(self._parts.settings.shard, evidence=evidence)
        for seq in rows:
            row = self._parts.store.journal.row(seq)
            for fact in shard_facts_of(unpack_row(row.payload).shard_facts) if row else ():
                if isinstance(fact, EvidenceAdopted):
                    scratch.apply_shard_fact(fact)
        return scratch.evidence


def shard_facts_of(wires: Sequence[Any]) -> list[ShardFact]:
    return [from_wire(wire) for wire in wires]
