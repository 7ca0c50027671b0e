"""What a shard and the coordinator say to each other: a ``Report`` up, ``Instructions`` down.

Every amount is a cumulative total or a version, so that a message that is lost, repeated or overtaken does no harm.
A report tells **committed** state only (what a turn has appended). On the wire each is a plain list that
``models.canonical.pack`` can pack: ``Coordinator.sync(pack(report.to_wire())) -> pack(instructions.to_wire())``.
``ProfileShard.advance`` takes packed ``Instructions`` too: the new clock together with the grants of its periods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.scoring.roles import Roles


@dataclass(frozen=True, slots=True)
class Position:
    """One (budget, period) at a shard: cumulative integer totals, ``held`` alone goes up and down."""

    budget: str
    #: Period key (see ``models.budgets.periods``), "" for a budget without a period.
    period: str
    granted: int
    returned: int
    spent: int
    held: int
    unfunded: int

    @property
    def free(self) -> int:
        return self.granted - self.returned - self.spent - self.held

    def to_wire(self) -> list[Any]:
        return [self.budget, self.period, self.granted, self.returned, self.spent, self.held, self.unfunded]


@dataclass(frozen=True, slots=True)
class Want:
    """A shard asks for up to ``units`` more of a budget."""

    budget: str
    period: str
    units: int
    #: What one decision needs: fewer are of no use to the one who asks.
    unit: int
    #: A decision went without: idle units of other shards are recalled for it.
    urgent: bool

    def to_wire(self) -> list[Any]:
        return [self.budget, self.period, self.units, self.unit, self.urgent]


@dataclass(frozen=True, slots=True)
class Count:
    """Cumulative evidence of one action, group or issue at one shard (or, downwards, of all shards)."""

    #: "action" | "group" | "issue"
    kind: str
    id: str
    accepts: int
    #: Contacts that were accepted or whose response window ended.
    contacts: int

    def to_wire(self) -> list[Any]:
        return [self.kind, self.id, self.accepts, self.contacts]


@dataclass(frozen=True, slots=True)
class Report:
    shard: int
    #: The journal epoch of the shard: an older one than the coordinator knows is refused.
    epoch: int
    #: Rises with each report of one epoch, so that an overtaken one is recognised.
    number: int
    #: "" before the first adoption.
    catalog_version: str
    evidence_version: int
    #: ``Roles.number`` of what it has adopted; 0 before the first.
    roles_number: int
    #: Where the shard's manual clock stands; 0 on the wall clock.
    clock_ms: int
    #: ``Escrow.positions()``.
    positions: tuple[Position, ...] = ()
    #: ``Escrow.wants(plan, now_ms)``.
    wants: tuple[Want, ...] = ()
    #: ``EvidenceCounts.changes_since(mark)`` with the mark of the last instructions (0 before any).
    counts: tuple[Count, ...] = ()
    #: ``EvidenceCounts.mark`` when ``counts`` was read.
    counts_mark: int = 0
    #: Likewise of ``ExperimentCounts``: rows as in ``models.experiments.counting``.
    experiments: tuple[list[Any], ...] = ()
    experiments_mark: int = 0

    def to_wire(self) -> list[Any]:
        return [
            self.shard, self.epoch, self.number, self.catalog_version, self.evidence_version, self.roles_number,
            self.clock_ms, [p.to_wire() for p in self.positions], [w.to_wire() for w in self.wants],
            [c.to_wire() for c in self.counts], self.counts_mark, self.experiments, self.experiments_mark,
        ]

    @classmethod
    def from_wire(cls, wire: list[Any]) -> Report:
        (
            shard, epoch, number, catalog, evidence, roles, clock_ms, positions, wants, counts, mark, experiments,
            experiments_mark,
        ) = wire
        return cls(
            shard, epoch, number, catalog, evidence, roles, clock_ms, tuple(Position(*p) for p in positions),
            tuple(Want(*w) for w in wants), tuple(Count(*c) for c in counts), mark, tuple(experiments),
            experiments_mark,
        )


@dataclass(frozen=True, slots=True)
class CatalogNews:
    version: str
    #: The validated catalog as plain data, for ``models.catalog.check.compile_catalog``.
    catalog: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EvidenceNews:
    version: int
    #: Absolute sums of what changed since the version that the shard reported.
    changes: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Granted:
    """``total`` ever granted: apply by ``Escrow.grant`` (max-merge) and log before use."""

    budget: str
    period: str
    total: int


@dataclass(frozen=True, slots=True)
class Recall:
    """Give free units back until ``returned`` reaches ``total`` (as far as they are free), log, then report."""

    budget: str
    period: str
    total: int


@dataclass(frozen=True, slots=True)
class Instructions:
    """What a shard applies at a turn boundary; None and () mean nothing new. After a recall that gave units back
    the shard reports again at once."""

    #: The coordinator's own epoch.
    epoch: int
    #: Not "": the report was refused (a newer epoch owns the shard); leave the process.
    refused: str = ""
    catalog: CatalogNews | None = None
    evidence: EvidenceNews | None = None
    roles: Roles | None = None
    grants: tuple[Granted, ...] = ()
    recalls: tuple[Recall, ...] = ()
    #: Where the manual clock must stand; 0 on the wall clock.
    clock_ms: int = 0
    #: Evidence counts up to this mark are durable at the coordinator, and counts of experiments.
    counts_mark: int = 0
    experiments_mark: int = 0

    def to_wire(self) -> list[Any]:
        catalog, evidence = self.catalog, self.evidence
        return [
            self.epoch, self.refused,
            None if catalog is None else [catalog.version, catalog.catalog],
            None if evidence is None else [evidence.version, [c.to_wire() for c in evidence.changes]],
            None if self.roles is None else self.roles.to_wire(),
            [[g.budget, g.period, g.total] for g in self.grants],
            [[r.budget, r.period, r.total] for r in self.recalls],
            self.clock_ms, self.counts_mark, self.experiments_mark,
        ]

    @classmethod
    def from_wire(cls, wire: list[Any]) -> Instructions:
        epoch, refused, catalog, evidence, roles, grants, recalls, clock_ms, counts_mark, experiments_mark = wire
        return cls(
            epoch, refused,
            None if catalog is None else CatalogNews(*catalog),
            None if evidence is None else EvidenceNews(evidence[0], tuple(Count(*c) for c in evidence[1])),
            None if roles is None else Roles.from_wire(roles),
            tuple(Granted(*g) for g in grants), tuple(Recall(*r) for r in recalls), clock_ms, counts_mark,
            experiments_mark,
        )
