"""The bodies of the configuration calls: a budget's cap, the manual clock, a canary's share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from models import limits
from models.messages.fields import Message, TimeMs


class Cap(Message):
    model_config = ConfigDict(json_schema_extra={"examples": [{"cap": 5000}]})

    cap: Annotated[int, Field(ge=0, le=limits.BUDGET_CAP_MAX)]

    def to_command_body(self) -> dict[str, Any]:
        return {"cap": self.cap}


class Clock(Message):
    model_config = ConfigDict(json_schema_extra={"examples": [{"time": "2026-11-02T18:03:11-05:00"}]})

    time: TimeMs

    def to_command_body(self) -> dict[str, Any]:
        return {"time_ms": self.time}


class CanaryShare(Message):
    model_config = ConfigDict(json_schema_extra={"examples": [{"share": 0.05}]})

    #: Of the customers; 0 ends the canary.
    share: Annotated[float, Field(ge=0.0, le=1.0)]

    def to_command_body(self) -> dict[str, Any]:
        return {"share": self.share}
