"""What callers send, checked by pydantic; and what refuses them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NestedEvent(_Strict):
    event_id: str = Field(max_length=128)
    type: str = Field(max_length=128)
    properties: dict[str, Any] = {}


class Event(NestedEvent):
    customer_id: str = Field(min_length=1, max_length=128)
    time: str | None = None
    channel: str | None = None


class Events(_Strict):
    events: list[Event] = Field(max_length=500)


class PlacementWish(_Strict):
    id: str
    count: int = Field(default=1, ge=1, le=3)


class DecisionAsked(_Strict):
    request_id: str = Field(min_length=1, max_length=128)
    customer_id: str = Field(min_length=1, max_length=128)
    channel: str
    placements: list[PlacementWish] = Field(min_length=1, max_length=8)
    context: dict[str, Any] = {}
    event: NestedEvent | None = None
    exclude: list[str] = []


class Outcome(_Strict):
    customer_id: str
    decision_id: str
    action: str
    type: str


class Outcomes(_Strict):
    outcomes: list[Outcome] = Field(max_length=500)
