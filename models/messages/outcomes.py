"""Outcomes: what became of an item that a decision chose."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from models import limits
from models.messages.fields import Id, Message, TimeMs

OUTCOME_EXAMPLE: Final[dict[str, Any]] = {
    "outcome_id": "o-1", "decision_id": "dq83JUmUHT0m_cKyCVXlq1bL1c0oJ0TqVlQ", "action": "dairy_coupon",
    "type": "impression", "time": "2026-11-02T18:03:14-05:00", "value": None,
}
#: ``none`` is missing on purpose: the system alone writes it.
OutcomeType = Literal[
    "impression", "delivery", "not_shown", "click", "accept", "convert", "reject", "dismiss", "complain"
]
_ONE_OF: Final[list[Any]] = [
    {
        "required": ["decision_id"],
        "properties": {"decision_id": {"type": "string"}, "customer_id": {"type": "null"}},
    },
    {
        "required": ["customer_id"],
        "properties": {"customer_id": {"type": "string"}, "decision_id": {"type": "null"}},
    },
]


class Outcome(Message):
    """Names its item by decision and action, or by customer and action (the newest contact still open)."""

    model_config = ConfigDict(json_schema_extra={"examples": [OUTCOME_EXAMPLE], "oneOf": _ONE_OF})

    outcome_id: Id
    decision_id: Id | None = None
    customer_id: Id | None = None
    action: Id
    type: OutcomeType
    time: TimeMs
    value: Annotated[float, Field(ge=-limits.OUTCOME_VALUE_MAX, le=limits.OUTCOME_VALUE_MAX)] | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.decision_id is None) == (self.customer_id is None):
            raise PydanticCustomError("outcome_of", "give exactly one of decision_id and customer_id")
        return self

    def to_command_body(self) -> dict[str, Any]:
        return {
            "outcome_id": self.outcome_id, "decision_id": self.decision_id, "customer_id": self.customer_id,
            "action": self.action, "type": self.type, "time_ms": self.time, "value": self.value,
        }


class OutcomeBatch(Message):
    """The outside of ``POST /v1/outcomes``; each element is judged on its own."""

    outcomes: Annotated[list[Any], Field(max_length=limits.OUTCOMES_PER_BATCH_MAX)]
