"""The answers of the contract as typed views. Times are RFC 3339 text, as the server sent them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from cluster.client.view import Member, View


class Item(View):
    """One chosen item of a placement."""

    __slots__ = ()
    rank = Member[int]()
    action = Member[str]()
    treatment = Member[str]()
    fallback = Member[bool]()
    content = Member[Mapping[str, Any]]()
    propensity = Member[float | None]()
    priority = Member[float | None]()
    selection_probability = Member[float]()
    hold_expires = Member[str | None]()


class PlacementFilled(View):
    __slots__ = ()
    placement = Member[str]()

    @property
    def items(self) -> tuple[Item, ...]:
        """In the order of their ranks; empty when there is nothing to say."""
        return tuple(map(Item, self.data["items"]))


class Explanation(View):
    """Why, for every candidate."""

    __slots__ = ()
    decision_id = Member[str | None]()
    time = Member[str]()
    versions = Member[Mapping[str, Any]]()
    seed = Member[str]()
    #: What remains after each gate, in their order.
    funnel = Member[Mapping[str, int]]()
    candidates = Member[Sequence[Mapping[str, Any]]]()
    #: Experiment -> the variant in force.
    experiments = Member[Mapping[str, str]](MappingProxyType({}))


class Decision(View):
    __slots__ = ()
    #: None for a dry run.
    decision_id = Member[str | None]()
    request_id = Member[str]()
    customer_id = Member[str]()
    time = Member[str]()
    #: After the decision's own fact; hand it back as ``min_state_version`` to read your writes.
    state_version = Member[int]()
    catalog_version = Member[str]()
    scorer_version = Member[str | None]()
    control_group = Member[str | None]()
    #: The scorer did not answer in time and evidence alone decided.
    degraded = Member[bool]()
    dry_run = Member[bool]()
    #: Experiment -> the variant in force.
    experiments = Member[Mapping[str, str]](MappingProxyType({}))

    @property
    def placements(self) -> tuple[PlacementFilled, ...]:
        return tuple(map(PlacementFilled, self.data["placements"]))

    @property
    def items(self) -> tuple[Item, ...]:
        """The items of all placements, in the order asked."""
        return tuple(Item(one) for filled in self.data["placements"] for one in filled["items"])

    @property
    def explanation(self) -> Explanation | None:
        """None unless it was asked for."""
        found = self.data.get("explanation")
        return None if found is None else Explanation(found)

    @property
    def as_of(self) -> Mapping[str, Any] | None:
        """``{"state_version", "time", "notes"}`` of the moment that was asked about; None for now."""
        found: Mapping[str, Any] | None = self.data.get("as_of")
        return found


class PastDecision(View):
    __slots__ = ()
    decision_id = Member[str]()
    customer_id = Member[str]()
    channel = Member[str]()
    time = Member[str]()
    state_version = Member[int]()
    #: A request that can be asked again as it is.
    request = Member[Mapping[str, Any]]()

    @property
    def decision(self) -> Decision:
        """The answer that was logged."""
        return Decision(self.data["decision"])


class Rerun(View):
    """A decision that was decided again: whether its bytes came out the same."""

    __slots__ = ()
    same = Member[bool]()
    bytes = Member[int]()
    logged_sha256 = Member[str]()
    rerun_sha256 = Member[str]()


class DecisionResult(View):
    """One element of a batch: a decision, or why there is none."""

    __slots__ = ()
    status = Member[int]()

    @property
    def decision(self) -> Decision | None:
        return Decision(self.data["body"]) if self.status == 200 else None

    @property
    def problem(self) -> Mapping[str, Any] | None:
        body: Mapping[str, Any] = self.data["body"]
        return None if self.status == 200 else body


class Applied(View):
    """What became of one element of a batch of events or outcomes."""

    __slots__ = ()
    status = Member[Literal["applied", "duplicate", "rejected"]]()
    #: None when rejected.
    state_version = Member[int | None](None)
    #: The problem, when rejected.
    error = Member[Mapping[str, Any] | None](None)


class EventResult(Applied):
    __slots__ = ()
    event_id = Member[str | None]()


class OutcomeResult(Applied):
    __slots__ = ()
    outcome_id = Member[str | None]()
    #: It came after its window had ended.
    late = Member[bool](False)
    #: False: an acceptance for which no budget unit was left.
    funded = Member[bool](True)


class Customer(View):
    __slots__ = ()
    customer_id = Member[str]()
    state_version = Member[int]()
    attributes = Member[Mapping[str, Any]]()
    features = Member[Mapping[str, Any]]()
    segments = Member[Sequence[str]]()
    consent = Member[Mapping[str, bool]]()
    contacts = Member[Sequence[Mapping[str, Any]]]()
    holds = Member[Sequence[Mapping[str, Any]]]()
    intents = Member[Sequence[Mapping[str, Any]]](())
    #: Target -> ``{"value", "version", "time"}``.
    scores = Member[Mapping[str, Mapping[str, Any]]](MappingProxyType({}))
    #: Experiment -> ``{"variant", "since", "until", "observed"}``.
    experiments = Member[Mapping[str, Mapping[str, Any]]](MappingProxyType({}))
    #: What each contact policy still allows, where it was asked for.
    policies = Member[Sequence[Mapping[str, Any]]](())
    #: ``{"state_version", "time"}`` of the moment that was asked about.
    as_of = Member[Mapping[str, Any] | None](None)


class CustomerVersion(View):
    __slots__ = ()
    customer_id = Member[str]()
    state_version = Member[int]()


class Receipt(View):
    """What proves an erasure: keep ``data``."""

    __slots__ = ()


class TimelineItem(View):
    __slots__ = ()
    kind = Member[Literal["event", "decision", "outcome", "intent"]]()
    time = Member[str]()
    id = Member[str | None]()
    body = Member[Mapping[str, Any]]()
    #: Of the customer after it.
    state_version = Member[int | None](None)


class TimelinePage(View):
    __slots__ = ()
    next_before = Member[str | None](None)

    @property
    def items(self) -> tuple[TimelineItem, ...]:
        return tuple(map(TimelineItem, self.data["items"]))


class Catalog(View):
    __slots__ = ()
    catalog_version = Member[str]()
    catalog = Member[Mapping[str, Any]]()


class CatalogPublished(View):
    __slots__ = ()
    catalog_version = Member[str]()
    #: Shards that have it by their last reports.
    adopted = Member[Sequence[int]](())
    #: Live shards that still have another; they adopt it within seconds.
    waiting_for = Member[Sequence[int]](())
    #: It was only checked.
    dry_run = Member[bool](False)


class Budget(View):
    """``available`` = cap - spent - held, wherever the units lie."""

    __slots__ = ()
    id = Member[str]()
    unit = Member[str]()
    cap = Member[int]()
    granted = Member[int]()
    spent = Member[int]()
    held = Member[int]()
    unfunded = Member[int]()
    available = Member[int]()


class Scorer(View):
    """A registered scorer: champion, canary, shadow, target, experiment, retired or registered."""

    __slots__ = ()
    version = Member[str]()
    role = Member[str]()
    #: Of the customers, for a canary.
    share = Member[float | None](None)
    #: Since when it has its role.
    since = Member[str | None](None)
    #: Why it lost its role to a catalog; "" otherwise.
    note = Member[str]("")
    #: What it predicts; None: acceptance.
    target = Member[str | None](None)
    manifest = Member[Mapping[str, Any]]()
    #: What became of its predictions over the last days: see ``models.messages.monitoring``.
    monitor = Member[Mapping[str, Any]]()


class RoleChanged(View):
    __slots__ = ()
    #: None after a roll-back to evidence alone.
    version = Member[str | None]()
    role = Member[str]()
    share = Member[float | None](None)
    #: As in ``CatalogPublished``.
    adopted = Member[Sequence[int]](())
    waiting_for = Member[Sequence[int]](())


class ExperimentSummary(View):
    __slots__ = ()
    id = Member[str]()
    namespace = Member[str]()
    #: "running" or "ended".
    state = Member[str]()
    metric = Member[str]()
    share = Member[float]()
    variants = Member[Sequence[str]]()
    assigned = Member[int]()
    observed = Member[int]()
    #: Customers do not fall into the variants as the weights say.
    alarm = Member[bool]()


class Experiment(View):
    """``variants``: the first is the control; each with ``mean``, ``lift`` and ``decided``."""

    __slots__ = ()
    id = Member[str]()
    namespace = Member[str]()
    state = Member[str]()
    metric = Member[str]()
    assigned = Member[int]()
    observed = Member[int]()
    variants = Member[Sequence[Mapping[str, Any]]]()
    sample_ratio = Member[Mapping[str, Any]]()
    notes = Member[Sequence[str]](())


class Clock(View):
    __slots__ = ()
    time = Member[str]()


class Status(View):
    __slots__ = ()
    degraded = Member[bool]()
    coordinator = Member[bool]()
    shards = Member[Sequence[Mapping[str, Any]]]()


class Caller(View):
    """Whom the server takes the client for."""

    __slots__ = ()
    name = Member[str]()
    tenant = Member[str]()
    scopes = Member[Sequence[str]]()
    #: None: never.
    expires = Member[str | None]()
    key_id = Member[str]()


class Live(View):
    """What is decided now; ``data`` holds more. ``age_ms``: since the journals were read to their ends."""

    __slots__ = ()
    version = Member[int]()
    age_ms = Member[int]()
    caught_up = Member[bool]()
    rate_per_s = Member[float]()
    p50_ms = Member[float | None]()
    p99_ms = Member[float | None]()
    degraded_share = Member[float | None]()
    minutes = Member[Sequence[Mapping[str, Any]]]()
    #: Of the client's own tenant, newest first.
    recent = Member[Sequence[Mapping[str, Any]]]()
    sample_ratio = Member[float]()


class Funnel(View):
    """Which gate removed how many; ``data["from"]`` is where the window begins."""

    __slots__ = ()
    window = Member[str]()
    to = Member[str | None]()
    version = Member[int]()
    decisions = Member[int]()
    degraded = Member[int]()
    held_out = Member[int]()
    gates = Member[Sequence[Mapping[str, Any]]]()
    actions = Member[Sequence[Mapping[str, Any]]]()
    policies = Member[Sequence[Mapping[str, Any]]]()
    budgets = Member[Sequence[Mapping[str, Any]]]()


class WhatIf(View):
    """Who would get something else under another catalog; each of ``results`` says what, and ``differences`` why."""

    __slots__ = ()
    catalog_version = Member[str]()
    live_version = Member[str]()
    asked = Member[int]()
    changed = Member[int]()
    #: ``customer_id`` and ``reason`` of requests that could not be decided.
    skipped = Member[Sequence[Mapping[str, Any]]]()
    results = Member[Sequence[Mapping[str, Any]]]()
    #: How the candidate was judged, where that is not plain.
    notes = Member[Sequence[str]]()


class JournalPage(View):
    """A page of facts, for tools: see ``GET /v1/journal``."""

    __slots__ = ()
    #: Where the next page begins; None at the end.
    next = Member[Any](None)
