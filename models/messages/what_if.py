"""What if another catalog were live: what is asked, and what is answered."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from models import limits
from models.messages.answers import PlacementFilled
from models.messages.bases import AnswerModel
from models.messages.decisions import DECISION_EXAMPLE, DecisionRequest
from models.messages.fields import Id, Message

_CATALOG: Final = """\
catalog: 1
name: grocer
currency: USD
timezone: America/New_York
channels: [{id: web, direction: inbound}]
placements: [{id: home_hero, channel: web}, {id: home_strip, channel: web, count_max: 3}]
hierarchy: [{issue: grow, groups: [{id: coupons}]}]
actions:
  - id: dairy_coupon
    group: coupons
    value: 1.80
    treatments: [{id: dairy_hero, placement: home_hero, content: {title: 25% off dairy}}]
"""
WHAT_IF_EXAMPLE: Final[dict[str, Any]] = {
    "catalog": _CATALOG, "requests": [
        {name: DECISION_EXAMPLE[name] for name in ("customer_id", "channel", "placements", "context")}
    ],
}


def _catalog(value: Any) -> Any:
    if type(value) not in (dict, str):
        raise PydanticCustomError("catalog", "give the catalog as an object, or as its text in YAML or JSON")
    return value


CatalogAsked = Annotated[
    dict[str, Any] | str, PlainValidator(_catalog), WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "string"}]})
]


class Sample(Message):
    """Of requests that were decided lately, the newest of each customer and channel."""

    size: Annotated[int, Field(ge=1, le=limits.WHAT_IF_REQUESTS_MAX)] = 20
    channel: Id | None = None


class WhatIf(Message):
    """A catalog to try, and on whom: either requests, or a sample of those of late."""

    model_config = ConfigDict(json_schema_extra={"examples": [WHAT_IF_EXAMPLE]})

    catalog: CatalogAsked
    requests: Annotated[
        list[DecisionRequest], Field(min_length=1, max_length=limits.WHAT_IF_REQUESTS_MAX)
    ] | None = None
    sample: Sample | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.requests is None) == (self.sample is None):
            raise PydanticCustomError("either", "give either requests or a sample")
        return self


class Skipped(AnswerModel):
    customer_id: str
    reason: str


class Shown(AnswerModel):
    """What one catalog shows. ``refused``: why the request does not fit it, in place of all but ``placements``."""

    placements: list[PlacementFilled]
    control_group: str | None = None
    scorer_version: str | None = None
    degraded: bool = False
    experiments: dict[str, str] = Field(default_factory=dict)
    refused: str = ""


class Difference(AnswerModel):
    """``live`` and ``candidate``: the action that stands there, null where nothing does."""

    placement: str
    rank: int = Field(ge=1)
    live: str | None
    candidate: str | None
    why: str


class WhatIfResult(AnswerModel):
    customer_id: str
    channel: str
    request_id: str
    #: Never seen before: decided as somebody new.
    newcomer: bool
    changed: bool
    live: Shown
    candidate: Shown
    differences: list[Difference]


class WhatIfAnswer(AnswerModel):
    catalog_version: str
    live_version: str
    asked: int
    #: Results in which something differs.
    changed: int
    skipped: list[Skipped]
    results: list[WhatIfResult]
    #: How the candidate was judged, where that is not plain.
    notes: list[str]
