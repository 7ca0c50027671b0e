"""The compiled catalog: what every decision reads. Immutable, shared, built once per version by ``compile``.

Actions keep catalog order; an action's *index* is its place among **all** actions (fallbacks included), and is what
masks, candidate lists and logged facts use. Masks are ``numpy`` bool arrays over that index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from models.experiments.definition import Experiments

Mask = NDArray[np.bool_]

#: Rules read scores as ``profile.scores.<target>``.
SCORES: Final = "scores"


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL expression, compiled once however many places use it."""

    index: int
    source: str
    #: ``cel.Program``; call ``execute(context)`` (see ``models.catalog.rules`` for evaluation that never raises).
    program: Any
    #: Fields read as ``profile.x`` or ``profile['x']``; None when they cannot be told apart (``profile`` as a whole).
    profile_fields: frozenset[str] | None
    #: Segment ids read; None when ``segments`` is read as a whole.
    segments: frozenset[str] | None
    #: Root names read: some of profile, segments, context, event, world, now.
    roots: frozenset[str]

    @property
    def dynamic(self) -> bool:
        """Reads what only a request knows, so it is evaluated at every decision."""
        return bool(self.roots & {"context", "event", "world", "now"})


@dataclass(frozen=True, slots=True)
class Feature:
    index: int
    id: str
    #: "count" | "sum" | "mean" | "max" | "min" | "distinct" | "last" | "days_since_last" | "ratio" | "decayed_sum"
    aggregate: str
    #: Event type that feeds it; "" for outcome features and ratios.
    event: str
    #: Outcome type that feeds it; "" otherwise. Scope: any of action/group/issue/channel/treatment/placement.
    outcome: str
    scope: Mapping[str, str]
    #: Path into the event's properties, split at dots; () when the aggregate takes no field.
    field: tuple[str, ...]
    #: 0 for aggregates without a window (last, days_since_last, decayed_sum, ratio).
    window_ms: int
    half_life_ms: int
    #: Indexes of numerator and denominator features of a ratio (earlier in the catalog or not); () otherwise.
    of: tuple[int, ...]
    #: 8 bytes over the definition: a stored aggregate with another hash starts empty.
    definition: bytes


@dataclass(frozen=True, slots=True)
class Attribute:
    id: str
    #: "bool" | "string" | "number"
    type: str


@dataclass(frozen=True, slots=True)
class Segment:
    id: str
    #: Index into ``Plan.rules``.
    rule: int


@dataclass(frozen=True, slots=True)
class Target:
    """What scorers predict of each customer; rules read the newest score as ``profile.scores.<id>``."""

    id: str
    #: "any" | "none" | "sum" | "days" | "hour" | "channel"
    predict: str
    #: What it is about: an event type or an outcome type, the other is "".
    event: str
    outcome: str
    #: Path into the event's properties, split at dots; () unless a sum is predicted.
    field: tuple[str, ...]
    within_ms: int

    @property
    def is_text(self) -> bool:
        """Its scores are ids, which rules read and scorers do not."""
        return self.predict == "channel"

    @property
    def objective(self) -> Literal["probability", "number"]:
        """"number" | "probability": what its scorer predicts."""
        return "number" if self.predict in ("sum", "days") else "probability"


@dataclass(frozen=True, slots=True)
class Channel:
    id: str
    outbound: bool
    #: "" when the channel needs none.
    consent: str
    #: Minutes after local midnight, (from, to); None without quiet hours. from > to wraps over midnight.
    quiet: tuple[int, int] | None
    hold_ttl_ms: int

    @property
    def direction(self) -> str:
        return "outbound" if self.outbound else "inbound"


@dataclass(frozen=True, slots=True)
class Placement:
    id: str
    channel: str
    count_max: int
    #: Indexes of the fallback actions, in order.
    fallback: tuple[int, ...]
    #: The fallback treatments that the catalog lists, each of the action at the same place in ``fallback``.
    fallback_treatments: tuple[Treatment, ...] = ()


@dataclass(frozen=True, slots=True)
class BudgetUse:
    id: str
    units: int


@dataclass(frozen=True, slots=True)
class Budget:
    id: str
    unit: str
    cap: int
    #: "" | "minute" | "hour" | "day" | "week" | "month", in the catalog's time zone.
    period: str
    #: "accept" | "contact"
    spend_on: str


@dataclass(frozen=True, slots=True)
class Treatment:
    id: str
    action: int
    placement: str
    channel: str
    content: Mapping[str, Any]
    tags: tuple[str, ...]
    #: Rule index or -1.
    when: int
    #: The action's budget use and the treatment's own, at most one of each.
    budgets: tuple[BudgetUse, ...]
    #: Units of each budget that one item takes: ``budgets`` added up.
    costs: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Action:
    index: int
    id: str
    group: str
    issue: str
    fallback: bool
    mandatory: bool
    value: float
    #: 1 + (issue + group + action lever percent) / 100.
    lever: float
    #: None: no bound.
    valid_from_ms: int | None
    valid_until_ms: int | None
    accept_outcome: str
    accept_within_ms: int
    #: In catalog order.
    treatments: tuple[Treatment, ...]
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scope:
    """Empty string: any."""

    channel: str = ""
    direction: str = ""
    issue: str = ""
    group: str = ""
    action: str = ""
    treatment: str = ""


@dataclass(frozen=True, slots=True)
class LimitPolicy:
    id: str
    scope: Scope
    limit: int
    window_ms: int
    #: "" (the customer) | "action" | "group" | "issue" | "channel" | "treatment" | "placement"
    per: str


@dataclass(frozen=True, slots=True)
class RestPolicy:
    """After ``count`` outcomes (or events) within ``window_ms``, no contact in scope for ``rest_ms``."""

    id: str
    scope: Scope
    outcome: str
    event: str
    #: Rule index for ``after.when`` (reads ``event``), or -1.
    when: int
    count: int
    window_ms: int
    rest_ms: int
    per: str


@dataclass(frozen=True, slots=True)
class ExclusivePolicy:
    """None of ``actions`` within ``window_ms`` of another of them."""

    id: str
    actions: frozenset[int]
    window_ms: int


@dataclass(frozen=True, slots=True)
class NeverAfterPolicy:
    """None of ``actions`` within ``window_ms`` after a contact that matches ``after``."""

    id: str
    actions: frozenset[int]
    after: Scope
    window_ms: int


ContactPolicy = LimitPolicy | RestPolicy | ExclusivePolicy | NeverAfterPolicy


@dataclass(frozen=True, slots=True)
class Trigger:
    """Validated here; acting on it comes with intents."""

    id: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Exploration:
    #: "inverse_gap" | "thompson" | "epsilon" | "none"
    method: str
    gamma: float
    share: float


@dataclass(frozen=True, slots=True)
class Arbitration:
    propensity: float
    context: float
    value: float
    lever: float
    exploration: Exploration
    #: "" when there is no control group.
    control_id: str
    control_share: float
    #: "month" | "never"
    control_rotate: str
    evidence_prior: float
    evidence_strength: float
    evidence_blend: float


@dataclass(frozen=True, slots=True)
class Plan:
    #: "sha256:<hex>" over the canonical catalog.
    version: str
    #: The validated catalog as plain data (what ``GET /v1/catalog`` shows).
    catalog: Mapping[str, Any]
    name: str
    currency: str
    zone: ZoneInfo
    channels: Mapping[str, Channel]
    placements: Mapping[str, Placement]
    attributes: Mapping[str, Attribute]
    features: tuple[Feature, ...]
    feature_index: Mapping[str, int]
    #: Event type -> indexes of the features that it feeds.
    features_by_event: Mapping[str, tuple[int, ...]]
    #: Outcome type -> indexes of the features that it may feed (scope still to be judged).
    features_by_outcome: Mapping[str, tuple[int, ...]]
    #: Unique rules; every ``rule`` elsewhere is an index into this.
    rules: tuple[Rule, ...]
    #: In catalog order; a segment may read earlier segments.
    segments: tuple[Segment, ...]
    #: In catalog order.
    targets: Mapping[str, Target]
    budgets: Mapping[str, Budget]
    actions: tuple[Action, ...]
    action_index: Mapping[str, int]
    policies: tuple[ContactPolicy, ...]
    triggers: tuple[Trigger, ...]
    arbitration: Arbitration
    #: Longest window of any contact policy: how long the ledger must remember.
    policy_window_ms: int
    #: ``rest`` policies that wait for an event, by event type.
    rests_by_event: Mapping[str, tuple[RestPolicy, ...]]
    #: Per action: rule index or -1 (int32 arrays of len(actions)).
    eligibility: NDArray[np.int32]
    applicability: NDArray[np.int32]
    suitability: NDArray[np.int32]
    context_weight: NDArray[np.int32]
    #: Per action: value, lever, and the masks that never change within a version.
    value: NDArray[np.float64]
    lever: NDArray[np.float64]
    is_candidate: Mask
    is_mandatory: Mask
    #: Per action, int64 ms; absent bounds are the extremes of int64.
    valid_from: NDArray[np.int64]
    valid_until: NDArray[np.int64]
    #: Channel id -> mask of actions with at least one treatment in that channel.
    channel_mask: Mapping[str, Mask]
    #: Placement id -> (action index, treatment) pairs in catalog order.
    treatments_at: Mapping[str, tuple[tuple[int, Treatment], ...]]
    #: A scope -> mask of the actions it can concern (channel, direction and treatment judged by treatment).
    scope_mask: Callable[[Scope], Mask]
    experiments: Experiments = field(default_factory=Experiments)
    #: Treatment id -> its weight among the fitting ones of its action at its placement, of those that have one.
    treatment_weights: Mapping[str, int] = field(default_factory=dict)
