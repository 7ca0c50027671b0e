"""Decision requests, alone and in batches."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field

from models import limits
from models.messages.fields import FreeObject, Id, Message, StateVersion, TimeMs

DECISION_EXAMPLE: Final[dict[str, Any]] = {
    "request_id": "r-1", "customer_id": "hh-1229", "channel": "web",
    "placements": [{"id": "home_hero"}, {"id": "home_strip", "count": 3}],
    "context": {"device": "mobile", "page": "/", "intent": "browse"},
    "event": {"event_id": "e-77", "type": "page_view", "properties": {}},
    "exclude": ["ask_feedback"], "dry_run": False, "explain": False, "deadline_ms": 1000,
}


class PlacementAsked(Message):
    id: Id
    count: Annotated[int, Field(ge=1, le=limits.PLACEMENT_COUNT_MAX)] = 1


class NestedEvent(Message):
    """The event that caused a decision; what is missing comes from the request."""

    event_id: Id | None = None
    customer_id: Id | None = None
    type: Id
    time: TimeMs | None = None
    channel: Id | None = None
    properties: FreeObject = Field(default_factory=dict)


class DecisionRequest(Message):
    """What to do next for one customer."""

    model_config = ConfigDict(json_schema_extra={"examples": [DECISION_EXAMPLE]})

    request_id: Id | None = None
    customer_id: Id
    channel: Id
    placements: Annotated[
        list[PlacementAsked], Field(min_length=1, max_length=limits.PLACEMENTS_PER_DECISION_MAX)
    ]
    context: FreeObject = Field(default_factory=dict)
    event: NestedEvent | None = None
    exclude: Annotated[list[Id], Field(default_factory=list, max_length=limits.EXCLUDES_MAX)]
    dry_run: bool = False
    explain: bool = False
    min_state_version: StateVersion | None = None
    deadline_ms: Annotated[int, Field(ge=limits.DEADLINE_MS_MIN, le=limits.DEADLINE_MS_MAX)] = (
        limits.DEADLINE_MS_DEFAULT
    )

    def foreign_event(self) -> bool:
        """The nested event names another customer than the request does."""
        return self.event is not None and self.event.customer_id not in (None, self.customer_id)

    def to_command_body(self, request_id: str) -> dict[str, Any]:
        """``request_id`` stands in where the request has none, also as the id of its event."""
        request_id = self.request_id or request_id
        event = self.event
        return {
            "request_id": request_id,
            "customer_id": self.customer_id,
            "channel": self.channel,
            "placements": [{"id": asked.id, "count": asked.count} for asked in self.placements],
            "context": self.context,
            "event": None if event is None else {
                "event_id": event.event_id or request_id, "type": event.type, "time_ms": event.time,
                "channel": event.channel or self.channel, "properties": event.properties,
            },
            "exclude": self.exclude,
            "dry_run": self.dry_run,
            "explain": self.explain,
            "min_state_version": self.min_state_version,
            "deadline_ms": self.deadline_ms,
        }


class DecisionBatch(Message):
    """The outside of ``POST /v1/decisions:batch``; each element is judged on its own."""

    requests: Annotated[list[Any], Field(max_length=limits.DECISIONS_PER_BATCH_MAX)]
