"""The flat maps of one customer: attributes and consent."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, PlainValidator, RootModel, WithJsonSchema
from pydantic_core import PydanticCustomError

from models import limits
from models.messages.fields import Id


def _value(value: Any) -> bool | float | str | None:
    """Numbers become doubles. Raises ``PydanticCustomError``."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    if isinstance(value, str) and len(value) <= limits.ATTRIBUTE_CHARS_MAX:
        return value
    raise PydanticCustomError(
        "attribute", "must be true or false, a number, a string of at most {max} characters, or null to remove it",
        {"max": limits.ATTRIBUTE_CHARS_MAX},
    )


_KINDS: Final[list[dict[str, Any]]] = [
    {"type": "boolean"}, {"type": "number"}, {"type": "string", "maxLength": limits.ATTRIBUTE_CHARS_MAX},
    {"type": "null"},
]
_Value = Annotated[bool | float | str | None, PlainValidator(_value), WithJsonSchema({"anyOf": _KINDS})]
_STRICT = ConfigDict(strict=True, hide_input_in_errors=True)


class Attributes(RootModel[Annotated[
    dict[Id, _Value], Field(max_length=limits.ATTRIBUTES_PER_CALL_MAX)
]]):
    """Attribute id -> value; null removes. Numbers become doubles."""

    model_config = ConfigDict(**_STRICT, json_schema_extra={"examples": [{"age_band": "35-44", "employee": None}]})

    def to_command_body(self) -> dict[str, Any]:
        return dict(self.root)


class Consent(RootModel[Annotated[dict[Id, bool], Field(max_length=limits.CONSENT_PURPOSES_MAX)]]):
    """Purpose -> given or not; a purpose that is absent keeps what it was."""

    model_config = ConfigDict(**_STRICT, json_schema_extra={"examples": [{"marketing": True}]})

    def to_command_body(self) -> dict[str, Any]:
        return dict(self.root)
