"""Where things are shown: channels and placements."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models import limits
from models.catalog.schema.fields import ClockText, HoldTtl, Id, Shape, Word


class QuietHours(Shape):
    """Local times of day between which an outbound channel is silent; ``from`` after ``to`` wraps over midnight."""

    from_: ClockText = Field(alias="from")
    to: ClockText


class Channel(Shape):
    id: Id
    direction: Literal["inbound", "outbound"]
    #: The consent purpose that the channel needs.
    consent: Word | None = None
    quiet_hours: QuietHours | None = None
    #: Default 30m inbound, 48h outbound.
    hold_ttl: HoldTtl | None = None


class Placement(Shape):
    id: Id
    channel: Id
    count_max: Annotated[int, Field(ge=1, le=limits.PLACEMENT_COUNT_MAX)] = 1
    #: Treatments of fallback actions, in the order in which they fill the placement.
    fallback: list[Id] = Field(default_factory=list)
