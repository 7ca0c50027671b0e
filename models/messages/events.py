"""Events: single ones, batches of them, and the pages of a history import."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field

from models import limits
from models.messages.fields import FreeObject, Id, Message, TimeMs

EVENT_EXAMPLE: Final[dict[str, Any]] = {
    "event_id": "b-9001", "customer_id": "hh-1229", "type": "basket", "time": "2026-11-02T18:03:11-05:00",
    "channel": "pos", "properties": {"total": 41.17, "departments": ["DAIRY", "PRODUCE"]},
}


class Event(Message):
    """What a customer did, as a channel service reports it."""

    model_config = ConfigDict(json_schema_extra={"examples": [EVENT_EXAMPLE]})

    event_id: Id
    customer_id: Id
    type: Id
    #: An int (milliseconds) after validation, like every time of these models.
    time: TimeMs
    channel: Id | None = None
    properties: FreeObject = Field(default_factory=dict)

    def to_command_body(self) -> dict[str, Any]:
        return {
            "event_id": self.event_id, "customer_id": self.customer_id, "type": self.type, "time_ms": self.time,
            "channel": self.channel, "properties": self.properties,
        }


class HistoryEvent(Message):
    """An event of an import: its position is its id, so an ``event_id`` is allowed but not needed, and not kept."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{name: EVENT_EXAMPLE[name] for name in EVENT_EXAMPLE if name != "event_id"}]}
    )

    customer_id: Id
    type: Id
    time: TimeMs
    channel: Id | None = None
    properties: FreeObject = Field(default_factory=dict)
    event_id: Id | None = None

    def to_command_body(self, source: str, position: int) -> dict[str, Any]:
        return {
            "event_id": f"{source}:{position}", "customer_id": self.customer_id, "type": self.type,
            "time_ms": self.time, "channel": self.channel, "properties": self.properties, "source": source,
        }


class EventBatch(Message):
    """The outside of ``POST /v1/events``; each element is judged on its own."""

    events: Annotated[list[Any], Field(max_length=limits.EVENTS_PER_BATCH_MAX)]


class HistoryBatch(Message):
    """The outside of ``POST /v1/history``: ``events[i]`` stands at ``first_position + i`` of ``source``."""

    source: Annotated[str, Field(min_length=1, max_length=limits.HISTORY_SOURCE_CHARS_MAX)]
    first_position: Annotated[int, Field(ge=0, le=2**53 - 1)]
    events: Annotated[list[Any], Field(max_length=limits.EVENTS_PER_BATCH_MAX)]
