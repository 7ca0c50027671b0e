"""A small catalog whose budgets are used in different amounts, and shards that are nothing but their escrow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from models.budgets.escrow import Escrow
from models.canonical import pack, unpack
from models.catalog.check import check_data, compile_catalog
from models.catalog.plan import Plan
from models.coordination.commands import Handled, PublishCatalog, Sync
from models.coordination.core import CoordinatorCore
from models.coordination.facts import Fact, from_wire, to_wire
from models.coordination.messages import Instructions, Report
from models.scoring.evidence import Evidence, EvidenceCounts
from models.scoring.roles import Roles

#: Monday 2026-03-02, noon in New York.
NOON_MS = 1_772_470_800_000
SHARDS = 3


def catalog(pool: int = 40, lumps: int = 23, daily: int = 12) -> dict[str, Any]:
    def action(id_: str, budget: str, units: int) -> dict[str, Any]:
        return {
            "id": id_, "group": "coupons", "value": 1.0, "budget": {"id": budget, "units": units},
            "treatments": [{"id": f"{id_}_card", "placement": "card", "content": {}}],
        }

    return {
        "catalog": 1, "name": "shop", "currency": "USD", "timezone": "America/New_York",
        "channels": [{"id": "web", "direction": "inbound"}],
        "placements": [{"id": "card", "channel": "web"}],
        "hierarchy": [{"issue": "grow", "groups": [{"id": "coupons"}]}],
        "budgets": [
            {"id": "pool", "unit": "coupon", "cap": pool}, {"id": "lumps", "unit": "USD", "cap": lumps},
            {"id": "daily", "unit": "call", "cap": daily, "period": "day"},
        ],
        "actions": [
            action("one", "pool", 1), action("five", "lumps", 5), action("two", "lumps", 2), action("call", "daily", 3),
        ],
    }


@cache
def plan(**caps: int) -> Plan:
    return check_data(catalog(**caps))


def compile_once(data: Mapping[str, Any]) -> Plan:
    """The plan of a catalog of this module, compiled when it was first asked for."""
    return next((known for known in (plan(), without_budget("pool")) if known.catalog == data), None) or (
        compile_catalog(data)
    )


@cache
def without_budget(budget: str) -> Plan:
    data = catalog()
    data["budgets"] = [b for b in data["budgets"] if b["id"] != budget]
    data["actions"] = [a for a in data["actions"] if a["budget"]["id"] != budget]
    return check_data(data)


def coordinator(shards: int = SHARDS, **caps: int) -> CoordinatorCore:
    core = CoordinatorCore(shards, compile_once, epoch=1)
    core.handle(PublishCatalog(plan(**caps)), NOON_MS)
    return core


def replayed(facts: list[Fact], shards: int = SHARDS) -> CoordinatorCore:
    """A successor that reads the facts from their wire form."""
    core = CoordinatorCore(shards, compile_once, epoch=2)
    core.replay(from_wire(unpack(pack(to_wire(fact)))) for fact in facts)
    return core


@dataclass
class EscrowShard:
    """What the coordinator sees of a shard; it survives a crash by the log of what its turns committed."""

    shard: int
    plan: Plan
    epoch: int = 1
    number: int = 0
    catalog_version: str = ""
    roles: Roles = field(default_factory=Roles)
    escrow: Escrow = field(default_factory=Escrow)
    counts: EvidenceCounts = field(default_factory=EvidenceCounts)
    counts_mark: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    log: list[tuple[Any, ...]] = field(default_factory=list)

    def report(self, now_ms: int) -> Report:
        self.number += 1
        return Report(
            self.shard, self.epoch, self.number, self.catalog_version, self.evidence.version, self.roles.number, 0,
            self.escrow.positions(), tuple(self.escrow.wants(self.plan, now_ms)),
            self.counts.changes_since(self.counts_mark), self.counts.mark,
        )

    def follow(self, instructions: Instructions) -> bool:
        """True when units were given back."""
        assert not instructions.refused
        self.counts_mark = max(self.counts_mark, instructions.counts_mark)
        if instructions.catalog is not None:
            self.catalog_version = instructions.catalog.version
        if instructions.roles is not None:
            self.roles = instructions.roles
        if instructions.evidence is not None:
            self.evidence = self.evidence.with_changes(instructions.evidence.version, instructions.evidence.changes)
        for granted in instructions.grants:
            self.commit("grant", granted.budget, granted.period, granted.total)
        gave_back = False
        for recall in instructions.recalls:
            total = self.escrow.returnable(recall.budget, recall.period, recall.total)
            if total:
                self.commit("returned", recall.budget, recall.period, total)
                gave_back = True
        return gave_back

    def use(self, budget: str, period: str, held: int = 0, spent: int = 0) -> None:
        self.commit("apply_delta", budget, period, held, spent, 0)

    def commit(self, method: str, *arguments: Any) -> None:
        self.log.append((method, *arguments))
        getattr(self.escrow, method)(*arguments)

    def crash(self) -> None:
        self.epoch += 1
        self.number = self.counts_mark = 0
        self.escrow = Escrow()
        for method, *arguments in self.log:
            getattr(self.escrow, method)(*arguments)

    def sync(self, core: CoordinatorCore, now_ms: int) -> Handled:
        """One undisturbed exchange, over the wire forms."""
        report = Report.from_wire(unpack(pack(self.report(now_ms).to_wire())))
        handled = core.handle(Sync(report), now_ms)
        assert isinstance(handled.reply, Instructions)
        self.follow(Instructions.from_wire(unpack(pack(handled.reply.to_wire()))))
        return handled
