"""What the coordinator remembers of its shards while it runs: their last reports. A restart forgets it, and loses
nothing that the next report does not bring back."""

from __future__ import annotations

from dataclasses import dataclass, field

from models import limits
from models.coordination.messages import Position, Report, Want

AccountKey = tuple[str, str]


@dataclass(slots=True)
class LiveShard:
    shard: int
    epoch: int
    number: int = -1
    #: Real time of the last report.
    reported_ms: int = 0
    catalog_version: str = ""
    evidence_version: int = 0
    roles_number: int = 0
    clock_ms: int = 0
    positions: dict[AccountKey, Position] = field(default_factory=dict)
    wants: dict[AccountKey, Want] = field(default_factory=dict)
    #: Since when a decision has gone without.
    urgent_since_ms: dict[AccountKey, int] = field(default_factory=dict)
    #: When units were last granted: they are not recalled at once.
    granted_ms: dict[AccountKey, int] = field(default_factory=dict)

    def take(self, report: Report, now_ms: int) -> bool:
        """Remember a report; False when a newer one of this epoch came before it."""
        if report.number <= self.number:
            return False
        self.number, self.reported_ms = report.number, now_ms
        self.catalog_version, self.evidence_version = report.catalog_version, report.evidence_version
        self.roles_number, self.clock_ms = report.roles_number, report.clock_ms
        self.positions = {(p.budget, p.period): p for p in report.positions}
        self.wants = {(w.budget, w.period): w for w in report.wants}
        self.urgent_since_ms = {
            key: self.urgent_since_ms.get(key, now_ms) for key, want in self.wants.items() if want.urgent
        }
        return True

    def granted(self, key: AccountKey) -> int:
        """The total of grants that the shard has logged."""
        position = self.positions.get(key)
        return position.granted if position is not None else 0

    def is_live(self, now_ms: int) -> bool:
        return self.number >= 0 and now_ms - self.reported_ms <= limits.SHARD_LIVE_MS

    def is_fresh(self, now_ms: int) -> bool:
        """Reported so lately that its idle units can be counted on."""
        return self.number >= 0 and now_ms - self.reported_ms <= limits.DONOR_FRESH_MS

    def is_cooling(self, key: AccountKey, now_ms: int) -> bool:
        at_ms = self.granted_ms.get(key)
        return at_ms is not None and now_ms - at_ms < limits.GRANT_COOLING_MS
