"""What a shard knows beside its customers: plan, evidence, roles of scorers, escrow, recent keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from models import canonical
from models.budgets.escrow import Escrow
from models.catalog.check import compile_catalog
from models.catalog.plan import Plan
from models.coordination.messages import Count
from models.errors import InvariantBroken
from models.experiments.counting import ExperimentCounts
from models.profile.facts import Born, Erased
from models.scoring.evidence import Evidence, EvidenceCounts
from models.scoring.matrix import Layout, layouts_of
from models.scoring.roles import Roles
from models.turn.keys import Hint, KeyPair, RecentKey
from models.turn.publics import Deltas
from models.turn.shard_facts import (
    CatalogAdopted,
    ClockSet,
    EvidenceAdopted,
    Granted,
    Returned,
    RolesAdopted,
    ShardFact,
)


@dataclass(slots=True)
class ShardState:
    shard: int
    #: None until a policy was adopted: such a shard decides nothing.
    plan: Plan | None = None
    #: As adopted.
    roles: Roles = field(default_factory=Roles)
    #: The roles of those scorers alone that fit the plan: who scores. Where none does, evidence decides.
    active_roles: Roles = field(default_factory=Roles)
    #: Version -> its columns over the plan, of every scorer with a role that fits it.
    layouts: dict[str, Layout] = field(default_factory=dict)
    #: As published by the coordinator: what decisions read.
    evidence: Evidence = field(default_factory=Evidence)
    #: As counted here: what the coordinator is told.
    counts: EvidenceCounts = field(default_factory=EvidenceCounts)
    experiments: ExperimentCounts = field(default_factory=ExperimentCounts)
    escrow: Escrow = field(default_factory=Escrow)
    #: Clock of the newest row.
    last_ms: int = 0
    #: Where a manual clock stands; 0 on the wall clock.
    clock_ms: int = 0
    #: How many customers there are: born, and not erased since.
    customers: int = 0
    #: Sequence of the newest row folded in.
    seq: int = 0
    #: Keys since a checkpoint last began.
    recent: dict[KeyPair, RecentKey] = field(default_factory=dict)
    #: Those from before it, until the store has them all.
    apart: dict[KeyPair, RecentKey] = field(default_factory=dict)

    @property
    def catalog_version(self) -> str | None:
        return self.plan.version if self.plan else None

    @property
    def active_scorer(self) -> str | None:
        """The champion if it fits the plan; otherwise evidence decides where no other scorer does."""
        return self.active_roles.champion

    def apply_shard_fact(self, fact: ShardFact) -> None:
        """Fold in one shard-level fact."""
        if isinstance(fact, CatalogAdopted):
            self.plan = compile_catalog(fact.catalog)
            if self.plan.version != fact.version:
                raise InvariantBroken(f"catalog {fact.version} compiles to {self.plan.version}: a changed compiler")
            self._lay_out()
        elif isinstance(fact, EvidenceAdopted):
            self.evidence = self.evidence.with_changes(fact.version, [Count(*change) for change in fact.changes])
        elif isinstance(fact, RolesAdopted):
            self.roles = Roles.from_wire(fact.roles)
            self._lay_out()
        elif isinstance(fact, Granted):
            self.escrow.grant(fact.budget, fact.period, fact.total)
        elif isinstance(fact, Returned):
            self.escrow.returned(fact.budget, fact.period, fact.total)
        elif isinstance(fact, ClockSet):
            self.clock_ms = max(self.clock_ms, fact.now_ms)
            self.last_ms = max(self.last_ms, fact.now_ms)

    def apply_public(self, customer: bytes, public: dict[str, Any], now_ms: int, seq: int) -> None:
        """Fold in what a segment says in the clear, except its sums (see ``apply_deltas``)."""
        kinds = public["k"]
        if Born.TAG in kinds or Erased.TAG in kinds:
            self.customers += kinds.count(Born.TAG) - kinds.count(Erased.TAG)
        for key, fingerprint, hint in public["i"]:
            self.recent[(customer, key)] = RecentKey(seq, now_ms, fingerprint, hint)

    def recall(self, pair: KeyPair) -> RecentKey | None:
        """What is known of a key without the store."""
        return self.recent.get(pair) or self.apart.get(pair)

    def apply_deltas(self, deltas: Deltas) -> None:
        """Fold in the sums of a whole row."""
        for (budget, period), sums in deltas.budgets.items():
            self.escrow.apply_delta(budget, period, *sums)
        for (action, group, issue), (accepts, contacts) in deltas.evidence.items():
            self.counts.add(action, group, issue, accepts, contacts)
        for experiment, tally in deltas.experiments.items():
            self.experiments.add(experiment, tally)

    def pack(self) -> bytes:
        """Everything but the recent keys, for a checkpoint."""
        return canonical.pack({
            "catalog": self.plan.catalog if self.plan else None, "roles": self.roles.to_wire(),
            "evidence": self.evidence.to_wire(), "counts": self.counts.to_wire(), "escrow": self.escrow.pack(),
            "experiments": self.experiments.to_wire(),
            "customers": self.customers, "last_ms": self.last_ms, "clock_ms": self.clock_ms, "seq": self.seq,
        })

    @classmethod
    def unpack(cls, shard: int, data: bytes) -> Self:
        """The inverse of ``pack``; recent keys are rebuilt by replay."""
        packed = canonical.unpack(data)
        state = cls(shard)
        if packed["catalog"] is not None:
            state.plan = compile_catalog(packed["catalog"])
        state.roles = Roles.from_wire(packed["roles"])
        state._lay_out()
        state.evidence = Evidence.from_wire(packed["evidence"])
        state.counts = EvidenceCounts.from_wire(packed["counts"])
        state.experiments = ExperimentCounts.from_wire(packed["experiments"])
        state.escrow = Escrow.unpack(packed["escrow"])
        state.customers = packed["customers"]
        state.last_ms, state.clock_ms, state.seq = packed["last_ms"], packed["clock_ms"], packed["seq"]
        return state

    def validate(self) -> None:
        """Raises ``InvariantBroken`` when the state contradicts itself."""
        self.escrow.validate()
        if self.customers < 0:
            raise InvariantBroken(f"{-self.customers} customers more were erased than born")
        for (_, key), entry in (self.apart | self.recent).items():
            if not 0 < entry.seq <= self.seq or entry.at_ms > self.last_ms:
                raise InvariantBroken(f"the key {key.hex()} points at row {entry.seq}, after {self.seq}")
            Hint.unpack(entry.hint)
        if self.last_ms < self.clock_ms:
            raise InvariantBroken(f"the last row is at {self.last_ms}, before the manual clock at {self.clock_ms}")

    def _lay_out(self) -> None:
        self.layouts = {} if self.plan is None else layouts_of(self.roles, self.plan)
        self.active_roles = self.roles.keeping(self.layouts.__contains__)


class Kept(NamedTuple):
    """What a kept state says beside its catalog, after the row ``seq``."""

    seq: int
    evidence: Evidence
    roles: Roles
    escrow: Escrow


def kept_of(data: bytes) -> Kept:
    """That of a packed state, without the work of compiling its catalog."""
    packed = canonical.unpack(data)
    return Kept(
        packed["seq"], Evidence.from_wire(packed["evidence"]), Roles.from_wire(packed["roles"]),
        Escrow.unpack(packed["escrow"]),
    )
