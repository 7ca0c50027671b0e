"""The field types that the contract's bodies share. Strict: nothing is converted but a time, which becomes an int."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Final

import msgpack
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from models import limits
from models.errors import BadInput
from models.times import parse_time_ms

#: fromisoformat also reads ISO 8601's other spellings; the contract is RFC 3339.
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
TIME_PATTERN: Final = (
    r"^(19[7-9][0-9]|20[0-9]{2}|21[0-9]{2})-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)
_INT64: Final = range(-(2**63), 2**63)


def time_ms(text: str) -> int:
    """An RFC 3339 time with an offset as milliseconds, from 1970 on. Raises ``PydanticCustomError``."""
    if _RFC3339.fullmatch(text) is None:
        raise PydanticCustomError(
            "time", "not an RFC 3339 time with an offset; write it like 2026-11-02T18:03:11-05:00"
        )
    try:
        at_ms = parse_time_ms(text.upper())
    except BadInput as error:
        raise PydanticCustomError("time", "{reason}", {"reason": error.detail}) from error
    if at_ms < 0:
        raise PydanticCustomError("time", "the time lies before 1970")
    return at_ms


def check_free(value: Any, depth_max: int = limits.BODY_DEPTH_MAX) -> None:
    """Refuse what JSON cannot say (NaN, infinity, bytes, foreign types) or what no rule can read, at any depth.

    Iterative, so that no nesting exhausts the stack. Raises ``PydanticCustomError``.
    """
    level: list[Any] = [value]
    for _ in range(depth_max):
        deeper: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is dict:
                for key in item:
                    if type(key) is not str:
                        raise PydanticCustomError("free_key", "a key inside is not a string")
                deeper.extend(item.values())
            elif kind is list:
                deeper.extend(item)
            elif kind is float:
                if not math.isfinite(item):
                    raise PydanticCustomError("free_finite", "NaN and infinity are refused")
            elif kind is int:
                if item not in _INT64:
                    raise PydanticCustomError("free_int", "an integer inside does not fit into 64 bits with a sign")
            elif item is not None and kind is not str and kind is not bool:
                raise PydanticCustomError("free_type", "bytes and extension types are refused")
        if not deeper:
            return
        level = deeper
    raise PydanticCustomError("free_depth", "nested deeper than {max} levels", {"max": depth_max})


def free_object(value: Any) -> dict[str, Any]:
    """A free-form object (properties, context) within its bounds; the value itself. Raises ``PydanticCustomError``."""
    if type(value) is not dict:
        raise PydanticCustomError("free_object", "Input should be an object")
    if not value:
        return value
    check_free(value)
    if len(msgpack.packb(value)) > limits.EVENT_PROPERTIES_BYTES_MAX:
        raise PydanticCustomError(
            "free_size", "larger than {max} bytes", {"max": limits.EVENT_PROPERTIES_BYTES_MAX}
        )
    return value


Id = Annotated[str, StringConstraints(min_length=1, max_length=limits.ID_CHARS_MAX)]
TimeMs = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(time_ms),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": TIME_PATTERN, "maxLength": 40}),
]
FreeObject = Annotated[
    dict[str, Any], PlainValidator(free_object), WithJsonSchema({"type": "object", "additionalProperties": True})
]
StateVersion = Annotated[int, Field(ge=0, le=2**53 - 1)]


class Message(BaseModel):
    """Base of every body: strict types, unknown fields refused, no NaN, nothing of the input echoed in errors."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True, ser_json_inf_nan="strings",
    )
