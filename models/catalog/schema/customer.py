"""What is known of a customer: attributes, window features, segments."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models.catalog.schema.fields import FieldPath, Id, Name, RuleText, Shape, Window, Word

OutcomeType = Literal[
    "impression", "delivery", "not_shown", "click", "accept", "convert", "reject", "dismiss", "complain", "none"
]
Aggregate = Literal[
    "count", "sum", "mean", "max", "min", "distinct", "last", "days_since_last", "ratio", "decayed_sum"
]


class Attribute(Shape):
    id: Name
    type: Literal["bool", "string", "number"]


class Feature(Shape):
    """Fed by one event type or one outcome type; a ratio by two other features."""

    id: Name
    event: Word | None = None
    outcome: OutcomeType | None = None
    action: Id | None = None
    group: Id | None = None
    issue: Id | None = None
    channel: Id | None = None
    treatment: Id | None = None
    placement: Id | None = None
    aggregate: Aggregate
    #: A path in the event's properties; of an outcome only ``value``.
    field: FieldPath | None = None
    window: Window | None = None
    half_life: Window | None = None
    #: Numerator and denominator of a ratio.
    of: Annotated[list[Name], Field(min_length=2, max_length=2)] | None = None


class Segment(Shape):
    id: Name
    when: RuleText
