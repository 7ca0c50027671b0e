"""What the coordinator is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models.catalog.plan import Plan
from models.coordination.facts import Fact
from models.coordination.messages import Instructions, Report


@dataclass(frozen=True, slots=True)
class PublishCatalog:
    #: Validated and compiled.
    plan: Plan
    #: The version over which it is meant to be published; None: over any.
    if_match: str | None = None


@dataclass(frozen=True, slots=True)
class SetCap:
    budget: str
    cap: int


@dataclass(frozen=True, slots=True)
class Sync:
    report: Report


@dataclass(frozen=True, slots=True)
class Instruct:
    """What a shard that reported before should hear now (a clock was set)."""

    shard: int


@dataclass(frozen=True, slots=True)
class RegisterScorer:
    version: str
    manifest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PromoteScorer:
    """To champion, or to the predictor of its target."""

    version: str


@dataclass(frozen=True, slots=True)
class ShadowScorer:
    version: str


@dataclass(frozen=True, slots=True)
class CanaryScorer:
    version: str
    #: Of the customers; 0 ends it.
    millionths: int


@dataclass(frozen=True, slots=True)
class RetireScorer:
    version: str


@dataclass(frozen=True, slots=True)
class RollBackScorer:
    """To the champion before."""


RoleCommand = PromoteScorer | ShadowScorer | CanaryScorer | RetireScorer | RollBackScorer


@dataclass(frozen=True, slots=True)
class SetClock:
    clock_ms: int


Command = PublishCatalog | SetCap | Sync | Instruct | RegisterScorer | RoleCommand | SetClock


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is a problem object when ``status`` is 400 or above."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Handled:
    """``facts`` must be durable before ``reply`` leaves; ``poke`` names shards that should report at once."""

    facts: tuple[Fact, ...]
    reply: Answer | Instructions
    poke: frozenset[int] = field(default_factory=frozenset)
