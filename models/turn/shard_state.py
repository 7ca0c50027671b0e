"""What a shard knows beside its customers: plan, evidence, scorer, escrow, recent keys, erasure receipts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models.catalog.plan import Plan
from models.turn.keys import KeyPair, RecentKey


@dataclass(frozen=True, slots=True)
class Receipt:
    """An erased customer: its key generation, what the caller was told, and when."""

    generation: int
    receipt: str
    at_ms: int


@dataclass(slots=True)
class ShardState:
    shard: int
    #: None until a policy was adopted: such a shard decides nothing.
    plan: Plan | None = None
    scorer_version: str | None = None
    manifest: dict[str, Any] = field(default_factory=dict)
    evidence_version: int = 0
    #: Clock of the newest row; under a manual clock at least the time that was set.
    last_ms: int = 0
    #: 0 on the wall clock.
    clock_ms: int = 0
    #: Sequence of the newest row folded in.
    seq: int = 0
    recent: dict[KeyPair, RecentKey] = field(default_factory=dict)
    receipts: dict[bytes, Receipt] = field(default_factory=dict)

    @property
    def catalog_version(self) -> str | None:
        return self.plan.version if self.plan else None
