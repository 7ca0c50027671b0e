"""The flat maps of one customer: attributes and consent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, RootModel, StringConstraints

from models import limits
from models.messages.fields import Id

_Text = Annotated[str, StringConstraints(max_length=limits.ATTRIBUTE_CHARS_MAX)]
_Number = Annotated[float, Field(allow_inf_nan=False)]
_STRICT = ConfigDict(strict=True, hide_input_in_errors=True)


class Attributes(RootModel[Annotated[
    dict[Id, bool | _Number | _Text | None], Field(max_length=limits.ATTRIBUTES_PER_CALL_MAX)
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
