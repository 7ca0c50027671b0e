"""What callers hand in, as the contract names it. Ids that are missing are made by the client, once per call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

#: RFC 3339 with an offset, or an aware ``datetime``.
Time = str | datetime


class PlacementAsked(TypedDict):
    id: str
    count: NotRequired[int]


class NestedEvent(TypedDict):
    """The event that caused a decision; customer, channel and time come from the request where they are missing."""

    type: str
    event_id: NotRequired[str]
    time: NotRequired[Time]
    channel: NotRequired[str]
    properties: NotRequired[Mapping[str, Any]]


class DecisionRequest(TypedDict):
    customer_id: str
    channel: str
    placements: Sequence[PlacementAsked]
    request_id: NotRequired[str]
    context: NotRequired[Mapping[str, Any]]
    event: NotRequired[NestedEvent]
    exclude: NotRequired[Sequence[str]]
    dry_run: NotRequired[bool]
    explain: NotRequired[bool]
    min_state_version: NotRequired[int]
    deadline_ms: NotRequired[int]


class Event(TypedDict):
    customer_id: str
    type: str
    time: Time
    event_id: NotRequired[str]
    channel: NotRequired[str]
    properties: NotRequired[Mapping[str, Any]]


class HistoryEvent(TypedDict):
    """An event of an import: its position is its id."""

    customer_id: str
    type: str
    time: Time
    channel: NotRequired[str]
    properties: NotRequired[Mapping[str, Any]]


OutcomeType = Literal[
    "impression", "delivery", "not_shown", "click", "accept", "convert", "reject", "dismiss", "complain"
]


class Outcome(TypedDict):
    """Names its item by decision and action, or by customer and action."""

    action: str
    type: OutcomeType
    time: Time
    outcome_id: NotRequired[str]
    decision_id: NotRequired[str]
    customer_id: NotRequired[str]
    value: NotRequired[float | None]
