"""What the calls answer, as ``/openapi.json`` describes it. Documentation and tools read these; nothing is parsed."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from models.messages.bases import AnswerModel
from models.messages.monitoring import Monitor


class FieldError(AnswerModel):
    """``line``: in the text of a catalog, from 1; absent elsewhere."""

    loc: list[str | int]
    msg: str
    line: int = Field(default=0, ge=1)


class Problem(AnswerModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FieldError]


class EventResult(AnswerModel):
    event_id: str | None
    status: Literal["applied", "duplicate", "rejected"]
    #: Absent when rejected.
    state_version: int = Field(default=0, ge=0)
    error: Problem | None = None


class EventResults(AnswerModel):
    results: list[EventResult]


class OutcomeResult(AnswerModel):
    outcome_id: str | None
    status: Literal["applied", "duplicate", "rejected"]
    state_version: int = Field(default=0, ge=0)
    late: bool = False
    funded: bool = True
    error: Problem | None = None


class OutcomeResults(AnswerModel):
    results: list[OutcomeResult]


class Item(AnswerModel):
    rank: int = Field(ge=1)
    action: str
    treatment: str
    fallback: bool
    content: dict[str, Any]
    propensity: float | None
    priority: float | None
    selection_probability: float = Field(gt=0, le=1)
    hold_expires: str | None


class PlacementFilled(AnswerModel):
    placement: str
    items: list[Item]


class Decision(AnswerModel):
    decision_id: str | None
    request_id: str
    customer_id: str
    time: str
    state_version: int
    catalog_version: str
    scorer_version: str | None
    control_group: str | None
    degraded: bool
    dry_run: bool
    placements: list[PlacementFilled]
    #: Experiment -> the variant in force; absent where there is none.
    experiments: dict[str, str] | None = None


class DecisionResult(AnswerModel):
    status: int
    #: A decision, or a problem when ``status`` is not 200.
    body: dict[str, Any]


class DecisionResults(AnswerModel):
    results: list[DecisionResult]


class Explanation(AnswerModel):
    decision_id: str | None
    time: str
    versions: dict[str, Any]
    seed: str
    funnel: dict[str, int]
    candidates: list[dict[str, Any]]
    #: As in the decision.
    experiments: dict[str, str] | None = None


class AsOf(AnswerModel):
    """The moment at which it stood so."""

    state_version: int
    time: str


class DecidedAsOf(AsOf):
    #: What could not be had any more, and what was taken in its place.
    notes: list[str]


class ExplainedDecision(AnswerModel):
    """A dry run with its ``explanation``; ``as_of`` where the past was asked about."""

    explanation: Explanation
    as_of: DecidedAsOf | None = None


class PastDecision(AnswerModel):
    """``request`` can be asked again as it is; ``decision`` is the answer that was logged."""

    decision_id: str
    customer_id: str
    channel: str
    time: str
    state_version: int
    request: dict[str, Any]
    decision: Decision


class Rerun(AnswerModel):
    """Of the logged answer and of that which came out again, in msgpack: bytes of the first, SHA-256 of both."""

    same: bool
    bytes: int
    logged_sha256: str
    rerun_sha256: str


class Score(AnswerModel):
    """The last value of a target: a number, an hour of the day, or the id of a channel."""

    value: float | int | str
    #: Of the scorer that said so.
    version: str
    time: str


class ExposureShown(AnswerModel):
    """A customer's part in an experiment; ``observed``: its time has passed and was counted."""

    variant: str
    since: str
    until: str
    observed: bool


class PolicyStanding(AnswerModel):
    """What a contact policy allows right now. ``what`` null: all that it concerns and that has no entry of its own;
    ``channel`` null: the same in every channel that it concerns; ``per``: what ``what`` names."""

    policy: str
    kind: Literal["limit", "rest", "exclusive", "never_after"]
    channel: str | None
    per: str | None
    what: str | None
    limit: int | None
    used: int | None
    window: str | None
    next_free: str | None
    refuses: bool
    detail: str


class Customer(AnswerModel):
    customer_id: str
    state_version: int
    attributes: dict[str, Any]
    features: dict[str, Any]
    segments: list[str]
    consent: dict[str, bool]
    contacts: list[dict[str, Any]]
    holds: list[dict[str, Any]]
    intents: list[dict[str, Any]]
    #: By target of the catalog; empty before its first refresh.
    scores: dict[str, Score] = Field(default_factory=dict)
    #: By experiment, from the first decision under it on.
    experiments: dict[str, ExposureShown] = Field(default_factory=dict)
    #: With ``policies=true``.
    policies: list[PolicyStanding] | None = None
    #: With ``as_of``.
    as_of: AsOf | None = None


class TimelineItem(AnswerModel):
    kind: Literal["event", "decision", "outcome", "intent"]
    time: str
    id: str | None
    body: dict[str, Any]
    #: Of the customer after it.
    state_version: int | None = None


class Timeline(AnswerModel):
    items: list[TimelineItem]
    #: Hand it back as ``before`` for the next page; null at the end.
    next_before: Any = None


class CustomerVersion(AnswerModel):
    customer_id: str
    state_version: int


class Receipt(AnswerModel):
    """What proves an erasure; the same one when repeated."""


class Catalog(AnswerModel):
    catalog_version: str
    catalog: dict[str, Any]


class CatalogPublished(AnswerModel):
    catalog_version: str


class BudgetShare(AnswerModel):
    """What lies at one shard; its free units are granted - spent - held."""

    shard: int
    granted: int
    spent: int
    held: int


class BudgetPeriod(AnswerModel):
    kind: Literal["minute", "hour", "day", "week", "month"]
    from_: str = Field(alias="from")
    until: str


class BudgetState(AnswerModel):
    id: str
    unit: str
    cap: int
    granted: int
    spent: int
    held: int
    unfunded: int
    available: int
    shards: list[BudgetShare]
    #: The current one; null where the cap is for good.
    period: BudgetPeriod | None


class Budgets(AnswerModel):
    budgets: list[BudgetState]


class ClockTime(AnswerModel):
    time: str


class RegisteredScorer(AnswerModel):
    version: str
    role: str
    share: float | None
    since: str | None
    note: str
    target: str | None
    in_experiment: bool
    registered: str
    manifest: dict[str, Any]
    monitor: Monitor


class Scorers(AnswerModel):
    """Who decides, the champions before, and every registered scorer with its role, its manifest and what became of its
    predictions. ``evidence``: of what was decided without a scorer. ``watched_by``: the shards that told."""

    champion: str | None
    canary: str | None
    share: float
    shadows: list[str]
    targets: dict[str, str]
    note: str
    history: list[dict[str, Any]]
    scorers: list[RegisteredScorer]
    evidence: Monitor
    watched_by: int


class RoleChanged(AnswerModel):
    """The role that the version has now. ``adopted``: shards that have it by their last reports; ``waiting_for``: live
    ones that have yet to. A silent shard that had not adopted it is in neither, and adopts it when it is back."""

    version: str | None
    role: str
    share: float | None
    since: str | None
    adopted: list[int]
    waiting_for: list[int]


class Caller(AnswerModel):
    """A key, or who came with a token of the issuer. ``key_id``: which of several keys of the name; no part of it."""

    name: str
    tenant: str
    scopes: list[str]
    expires: str | None
    key_id: str


class ServingState(AnswerModel):
    """How many of a deployment's replicas run, and how Ray Serve calls its state."""

    application: str
    deployment: str
    state: str
    running: int
    replicas: int


class Status(AnswerModel):
    """Shards, epochs, backlog, versions; ``degraded`` or not. Of a shard: ``customers_resident`` are in memory,
    ``customers_passivated`` in the store alone, ``append_p50_ms`` and ``append_p99_ms`` its journal's commits,
    ``restarts`` since it was made. ``serving``: the deployments of Ray Serve, gateways among them."""

    coordinator: bool
    degraded: bool
    shards: list[dict[str, Any]]
    serving: list[ServingState] | None


class Ready(AnswerModel):
    ready: bool


class Alive(AnswerModel):
    status: Literal["ok"]
