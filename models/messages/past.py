"""Which moment of the past is asked about: a ``state_version`` or a time."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import ConfigDict, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from models.messages.decisions import DECISION_EXAMPLE, DecisionRequest
from models.messages.fields import TIME_PATTERN, time_ms

_VERSION_MAX: Final = 2**53 - 1
_VERSION_DIGITS_MAX: Final = 16
_TIME_CHARS_MAX: Final = 40
AS_OF_TEXT: Final = "a state_version from 1 on, or a time"
_TIME_SCHEMA: Final = {"type": "string", "format": "date-time", "pattern": TIME_PATTERN, "maxLength": _TIME_CHARS_MAX}
AS_OF_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [{"type": "integer", "minimum": 1, "maximum": _VERSION_MAX}, _TIME_SCHEMA, {"type": "null"}]
}


def moment(value: Any) -> dict[str, int | None] | None:
    """``{"version", "time_ms"}``, one of them None; None for None. Raises ``PydanticCustomError``."""
    if value is None:
        return None
    if type(value) is int and 1 <= value <= _VERSION_MAX:
        return {"version": value, "time_ms": None}
    if type(value) is str and len(value) <= _TIME_CHARS_MAX:
        return {"version": None, "time_ms": time_ms(value)}
    raise PydanticCustomError("as_of", "give " + AS_OF_TEXT)


def as_of_query(text: str) -> dict[str, int | None] | None:
    """The same from a query, where a version is digits. Raises ``PydanticCustomError``."""
    is_version = text.isascii() and text.isdigit() and len(text) <= _VERSION_DIGITS_MAX
    return moment(int(text) if is_version else text)


class ExplanationRequest(DecisionRequest):
    """A decision request; with ``as_of`` it is decided on the customer, catalog, evidence and roles of that moment."""

    model_config = ConfigDict(json_schema_extra={"examples": [DECISION_EXAMPLE]})

    as_of: Annotated[
        dict[str, int | None] | None, PlainValidator(moment), WithJsonSchema(AS_OF_SCHEMA)
    ] = None
