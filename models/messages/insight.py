"""What ``GET /v1/live`` and ``GET /v1/funnel`` answer: counts of the whole installation, as its journals say."""

from __future__ import annotations

from pydantic import Field

from models.messages.bases import AnswerModel


class ShardRead(AnswerModel):
    """How far a shard's journal is counted. ``reached``: it told its newest row lately."""

    shard: int
    seq: int
    newest: int
    reached: bool


class MinuteCounted(AnswerModel):
    """By the journals' clock."""

    minute: str
    decisions: int
    degraded: int
    events: int
    outcomes: int
    chosen: int
    accepted: int


class RecentItem(AnswerModel):
    placement: str
    rank: int
    action: str
    treatment: str
    fallback: bool


class RecentDecision(AnswerModel):
    decision_id: str
    customer_id: str | None = Field(description="null for a caller without the scope profiles:read")
    time: str
    channel: str
    control_group: str | None
    degraded: bool
    scorer_version: str | None
    candidates: int
    chosen: int
    items: list[RecentItem]


class Live(AnswerModel):
    """``version`` is another one when anything but an age is; ``recent`` are decisions about the caller's tenant alone,
    sampled above a rate."""

    at: str | None = Field(description="The clock of the newest row that is counted")
    version: int
    age_ms: int = Field(description="Since every shard that can be reached was read to its end, by the wall")
    caught_up: bool
    behind_rows: int
    shards: list[ShardRead]
    rate_per_s: float = Field(description="Decisions per second over the last ten, by the wall")
    p50_ms: float | None = Field(description="Of the gateways' answers to decisions over the last minute")
    p99_ms: float | None
    degraded_share: float | None = Field(description="Of the decisions of the last minute, by the wall")
    minutes: list[MinuteCounted]
    recent: list[RecentDecision]
    sample_ratio: float


class GateCounted(AnswerModel):
    gate: str
    removed: int
    remaining: int


class HeldOutCounted(AnswerModel):
    """The same of customers in the control group."""

    chosen: int
    confirmed: int
    accepted: int


class ActionCounted(AnswerModel):
    """``removed``: gate -> how often it was the first to remove the action, without zeros."""

    action: str
    channel: str
    candidates: int
    removed: dict[str, int]
    chosen: int
    fallback: int
    confirmed: int
    accepted: int
    negative: int
    value: float
    control: HeldOutCounted


class PolicyCounted(AnswerModel):
    policy: str
    granted: int = Field(description="Chosen items that the policy concerns")
    refused: int = Field(description="Actions that it was the first to refuse")


class BudgetCounted(AnswerModel):
    budget: str
    dry: int = Field(description="Actions that fell out because no unit was free")


class Funnel(AnswerModel):
    """``decisions``, ``policies`` and ``budgets`` are of all actions, whatever the query says of one."""

    window: str
    from_: str | None = Field(alias="from")
    to: str | None
    version: int
    decisions: int
    degraded: int
    held_out: int
    gates: list[GateCounted]
    actions: list[ActionCounted]
    policies: list[PolicyCounted]
    budgets: list[BudgetCounted]
