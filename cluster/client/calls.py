"""Every call of the contract that the server serves, once, for both clients.

Each is awaited on ``AsyncKairos`` and plain on ``Kairos``. A missing ``request_id``, ``event_id`` or ``outcome_id`` is
made here, before the first attempt, so that every repeat asks for the same effect.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeVar

from cluster.client import answers
from cluster.client.batch import BatchCall, DecisionBatchCall, HistoryCall
from cluster.client.bodies import DecisionRequest, Event, HistoryEvent, NestedEvent, Outcome, PlacementAsked, Time
from cluster.client.call import Call, path_of
from cluster.client.decide import DecideCall
from cluster.client.method import Method, Paged
from cluster.client.wire import Reply
from models import limits

V = TypeVar("V")
_CUSTOMER: Final = "/v1/customers/{}"


class Calls:
    """The typed methods. See ``docs`` of the server for what each of them means."""

    @Method
    def decide(
        self, customer_id: str, channel: str, placements: Sequence[str | PlacementAsked], *,
        request_id: str | None = None, context: Mapping[str, Any] | None = None, event: NestedEvent | None = None,
        exclude: Sequence[str] = (), dry_run: bool = False, explain: bool = False,
        min_state_version: int | None = None, deadline_ms: int | None = None, timeout_s: float | None = None,
    ) -> Call[answers.Decision]:
        """What to do next for one customer. ``timeout_s`` bounds everything, repeats included; the server's deadline
        is what remains of it (10 s at most), unless ``deadline_ms`` sets each attempt's own."""
        return DecideCall("/v1/decisions", timeout_s, _decision(
            customer_id, channel, placements, request_id, context, event, exclude, min_state_version, deadline_ms,
            {"dry_run": dry_run, "explain": explain},
        ))

    @Method
    def explain(
        self, customer_id: str, channel: str, placements: Sequence[str | PlacementAsked], *,
        request_id: str | None = None, context: Mapping[str, Any] | None = None, event: NestedEvent | None = None,
        exclude: Sequence[str] = (), min_state_version: int | None = None, deadline_ms: int | None = None,
        as_of: int | Time | None = None, timeout_s: float | None = None,
    ) -> Call[answers.Decision]:
        """The decision that would be made now, with the reasons for every candidate; nothing changes. ``as_of``: as it
        would have been made at that ``state_version`` or time."""
        body = _decision(
            customer_id, channel, placements, request_id, context, event, exclude, min_state_version, deadline_ms, {},
        )
        return DecideCall("/v1/explanations", timeout_s, body if as_of is None else {**body, "as_of": as_of})

    @Method
    def decide_batch(
        self, requests: Iterable[DecisionRequest], *, timeout_s: float | None = None
    ) -> Call[list[answers.DecisionResult]]:
        """Up to 100 decisions, for different customers or one; results in the order asked."""
        return DecisionBatchCall(
            "/v1/decisions:batch", "requests", [_named("request_id", one) for one in requests], answers.DecisionResult,
            timeout_s,
        )

    @Method
    def send_events(self, events: Iterable[Event]) -> Call[list[answers.EventResult]]:
        """Up to 500 events; results in their order. One that the server rejects harms no other."""
        return BatchCall("/v1/events", "events", [_named("event_id", one) for one in events], answers.EventResult)

    @Method
    def send_outcomes(self, outcomes: Iterable[Outcome]) -> Call[list[answers.OutcomeResult]]:
        """Up to 500 outcomes; results in their order."""
        named = [_named("outcome_id", one) for one in outcomes]
        return BatchCall("/v1/outcomes", "outcomes", named, answers.OutcomeResult)

    @Method
    def send_history(
        self, source: str, first_position: int, events: Sequence[HistoryEvent | bytes]
    ) -> Call[list[answers.EventResult]]:
        """Up to 500 events of any age (bytes: as JSON), idempotent by source and position."""
        return HistoryCall(source, first_position, events, answers.EventResult)

    @Method
    def customer(
        self, customer_id: str, *, as_of: int | Time | None = None, policies: bool = False
    ) -> Call[answers.Customer]:
        """The customer as Kairos sees it now, or as of a ``state_version`` or time; ``policies``: with what each
        contact policy still allows. ``NotFound`` for one that was never seen."""
        when = as_of.isoformat() if isinstance(as_of, datetime) else as_of
        query = {"as_of": when, "policies": policies or None}
        return Call("GET", path_of(_CUSTOMER, customer_id), _viewed(answers.Customer), query=query)

    @Paged
    def timeline(
        self, before: str | None, /, customer_id: str, *, page_items: int = limits.TIMELINE_ITEMS_MAX
    ) -> Call[answers.TimelinePage]:
        """What happened to a customer, newest first, page by page as it is read."""
        path = path_of(_CUSTOMER + "/timeline", customer_id)
        return Call("GET", path, _viewed(answers.TimelinePage), query={"limit": page_items, "before": before})

    @Method
    def set_attributes(self, customer_id: str, attributes: Mapping[str, Any]) -> Call[answers.CustomerVersion]:
        """A flat map; None removes."""
        path = path_of(_CUSTOMER + "/attributes", customer_id)
        return Call("PUT", path, _viewed(answers.CustomerVersion), body=attributes)

    @Method
    def set_consent(self, customer_id: str, consent: Mapping[str, bool]) -> Call[answers.CustomerVersion]:
        """Purpose -> given or withdrawn; binds the very next decision."""
        path = path_of(_CUSTOMER + "/consent", customer_id)
        return Call("PUT", path, _viewed(answers.CustomerVersion), body=consent)

    @Method
    def erase(self, customer_id: str) -> Call[answers.Receipt]:
        """Erase the customer for good; the same receipt when repeated."""
        return Call("DELETE", path_of(_CUSTOMER, customer_id), _viewed(answers.Receipt))

    @Method
    def explanation_of(self, decision_id: str) -> Call[answers.Explanation]:
        """Why a past decision was made so."""
        return Call("GET", path_of("/v1/decisions/{}/explanation", decision_id), _viewed(answers.Explanation))

    @Method
    def decision_of(self, decision_id: str) -> Call[answers.PastDecision]:
        """What a past decision was asked and answered."""
        return Call("GET", path_of("/v1/decisions/{}", decision_id), _viewed(answers.PastDecision))

    @Method
    def rerun(self, decision_id: str) -> Call[answers.Rerun]:
        """Decide again what was decided, and compare the bytes; nothing changes."""
        return Call("POST", path_of("/v1/decisions/{}:rerun", decision_id), _viewed(answers.Rerun))

    @Method
    def catalog(self) -> Call[answers.Catalog]:
        """The live catalog and its version."""
        return Call("GET", "/v1/catalog", _viewed(answers.Catalog))

    @Method
    def publish_catalog(
        self, catalog: Mapping[str, Any] | str, *, if_match: str | None = None, dry_run: bool = False
    ) -> Call[answers.CatalogPublished]:
        """Validate and publish a catalog (an object, or YAML or JSON text). With ``if_match`` only over that version:
        such a call is repeated only where the server says that nothing was done."""
        call = Call(
            "PUT", "/v1/catalog", _viewed(answers.CatalogPublished), body=catalog, query={"dry_run": dry_run or None},
            headers=None if if_match is None else {"if-match": f'"{if_match}"'},
            media="application/yaml" if isinstance(catalog, str) else "",
        )
        call.conditional = if_match is not None and not dry_run
        return call

    @Method
    def budgets(self) -> Call[list[answers.Budget]]:
        """Caps and what became of them."""
        return Call("GET", "/v1/budgets", lambda reply: list(map(answers.Budget, reply.value()["budgets"])))

    @Method
    def set_cap(self, budget_id: str, cap: int) -> Call[answers.Budget]:
        """Change a budget's cap."""
        return Call("PUT", path_of("/v1/budgets/{}", budget_id), _viewed(answers.Budget), body={"cap": cap})

    @Method
    def scorers(self) -> Call[list[answers.Scorer]]:
        """Registered scorers and their roles."""
        return Call("GET", "/v1/scorers", lambda reply: list(map(answers.Scorer, reply.value()["scorers"])))

    @Method
    def promote(self, version: str) -> Call[answers.RoleChanged]:
        """Make a registered scorer the champion, or the predictor of its target."""
        return Call("POST", path_of("/v1/scorers/{}:promote", version), _viewed(answers.RoleChanged))

    @Method
    def shadow(self, version: str) -> Call[answers.RoleChanged]:
        """Let a registered scorer score what others decide."""
        return Call("POST", path_of("/v1/scorers/{}:shadow", version), _viewed(answers.RoleChanged))

    @Method
    def canary(self, version: str, share: float) -> Call[answers.RoleChanged]:
        """Let a registered scorer decide for a share (0 to 1) of the customers; 0 ends it."""
        path = path_of("/v1/scorers/{}:canary", version)
        return Call("POST", path, _viewed(answers.RoleChanged), body={"share": share})

    @Method
    def retire(self, version: str) -> Call[answers.RoleChanged]:
        """Take every role from a scorer that is not champion."""
        return Call("POST", path_of("/v1/scorers/{}:retire", version), _viewed(answers.RoleChanged))

    @Method
    def roll_back(self) -> Call[answers.RoleChanged]:
        """Make the champion before champion again. Not repeated unless the server says that nothing was done: each
        call goes one champion further back."""
        call = Call("POST", "/v1/scorers:rollback", _viewed(answers.RoleChanged))
        call.conditional = True
        return call

    @Method
    def experiments(self) -> Call[list[answers.ExperimentSummary]]:
        """Experiments of the live catalog, and those that left it."""
        return Call(
            "GET", "/v1/experiments",
            lambda reply: list(map(answers.ExperimentSummary, reply.value()["experiments"])),
        )

    @Method
    def experiment(self, experiment_id: str) -> Call[answers.Experiment]:
        """What can be said of an experiment right now: its variants against the control, and its sample ratio."""
        return Call("GET", path_of("/v1/experiments/{}", experiment_id), _viewed(answers.Experiment))

    @Method
    def clock(self) -> Call[answers.Clock]:
        """Where the decision clock stands."""
        return Call("GET", "/v1/clock", _viewed(answers.Clock))

    @Method
    def set_clock(self, time: Time) -> Call[answers.Clock]:
        """Move the manual clock forward; answers when every live shard stands there."""
        return Call("PUT", "/v1/clock", _viewed(answers.Clock), body={"time": time})

    @Method
    def status(self) -> Call[answers.Status]:
        """Shards, epochs, backlog and versions."""
        return Call("GET", "/v1/status", _viewed(answers.Status))

    @Method
    def caller(self) -> Call[answers.Caller]:
        """Whom the server takes this client for, and what it may do."""
        return Call("GET", "/v1/caller", _viewed(answers.Caller))

    @Method
    def live(self) -> Call[answers.Live]:
        """What is decided now: rate, latency, counts per minute, the newest decisions of the client's tenant."""
        return Call("GET", "/v1/live", _viewed(answers.Live))

    @Method
    def funnel(
        self, window: Literal["hour", "day", "week", "all"] = "day", *, channel: str | None = None,
        action: str | None = None,
    ) -> Call[answers.Funnel]:
        """Which gate removed how many actions over a window, and what was accepted of those that were chosen."""
        query = {"window": window, "channel": channel, "action": action}
        return Call("GET", "/v1/funnel", _viewed(answers.Funnel), query=query)

    @Method
    def what_if(
        self, catalog: Mapping[str, Any] | str, requests: Sequence[DecisionRequest] | None = None, *,
        sample: int | None = None, channel: str | None = None, timeout_s: float | None = None,
    ) -> Call[answers.WhatIf]:
        """Who would get something else under another catalog (an object, or YAML or JSON text), and why. Of up to 50
        ``requests``, or of a ``sample`` of those decided lately, in one ``channel`` where it is named. Changes nothing.
        """
        body: dict[str, Any] = {"catalog": catalog}
        if requests is not None:
            body["requests"] = [_named("request_id", one) for one in requests]
        if sample is not None:
            body["sample"] = {"size": sample} if channel is None else {"size": sample, "channel": channel}
        return Call("POST", "/v1/whatif", _viewed(answers.WhatIf), body=body, timeout_s=timeout_s)

    @Method
    def metrics(self) -> Call[str]:
        """Prometheus text."""
        return Call("GET", "/metrics", lambda reply: reply.body.decode())

    @Method
    def wait_until_ready(self) -> Call[None]:
        """Returns when the server can decide for everybody; asks again until the client's time is up."""
        return Call("GET", "/readyz", lambda _: None)

    @Method
    def journal(
        self, shard: int, *, after: int = 0, base_after: bytes | None = None, limit: int | None = None
    ) -> Call[answers.JournalPage]:
        """Facts after a sequence, or (``base_after``) the profiles from which a truncated journal begins."""
        where = {"after": after} if base_after is None else {"base_after": base_after.hex()}
        query = {"shard": shard, "limit": limit, **where}
        return Call("GET", "/v1/journal", _viewed(answers.JournalPage), query=query)

    @Method
    def call(
        self, method: Literal["GET", "POST", "PUT", "DELETE"], path: str, body: Any = None, *,
        query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None, media: str = "",
        conditional: bool = False, timeout_s: float | None = None,
    ) -> Call[Reply]:
        """Anything else; answers a 2xx reply as it came, ``reply.value()`` decodes it. Text and bytes are sent as they
        are, as ``media`` (JSON by default). The body must carry its own ids; ``conditional``: see ``Call``."""
        call = Call(
            method, path, lambda reply: reply, body=body, query=query, headers=headers, media=media,
            timeout_s=timeout_s,
        )
        call.conditional = conditional
        return call


def _viewed(view: Callable[[Any, bytes], V]) -> Callable[[Reply], V]:
    return lambda reply: view(reply.value(), reply.body)


def new_id() -> str:
    return os.urandom(16).hex()


def _named(field: str, element: Mapping[str, Any]) -> Mapping[str, Any]:
    """The element with an id; the caller's own object stays as it is."""
    return element if element.get(field) is not None else {**element, field: new_id()}


def _decision(
    customer_id: str, channel: str, placements: Sequence[str | PlacementAsked], request_id: str | None,
    context: Mapping[str, Any] | None, event: NestedEvent | None, exclude: Sequence[str],
    min_state_version: int | None, deadline_ms: int | None, flags: Mapping[str, bool],
) -> dict[str, Any]:
    """The body; what is not given is left to the server."""
    body: dict[str, Any] = {
        "request_id": request_id or new_id(), "customer_id": customer_id, "channel": channel,
        "placements": [{"id": one} if isinstance(one, str) else one for one in placements],
    }
    if context is not None:
        body["context"] = context
    if event is not None:
        body["event"] = event
    if exclude:
        body["exclude"] = exclude
    if min_state_version is not None:
        body["min_state_version"] = min_state_version
    if deadline_ms is not None:
        body["deadline_ms"] = deadline_ms
    for flag, is_set in flags.items():
        if is_set:
            body[flag] = True
    return body
