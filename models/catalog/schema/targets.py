"""Targets: what is predicted of each customer, beside acceptances. Rules read ``profile.scores.<id>``."""

from __future__ import annotations

from typing import Literal

from models.catalog.schema.customer import OutcomeType
from models.catalog.schema.fields import FieldPath, Name, Shape, Window, Word

Predict = Literal["any", "none", "sum", "days", "hour", "channel"]


class Target(Shape):
    """About one event type or one outcome type, over ``within`` from now on.

    any, none: the probability that it comes, that it does not. sum: the expected sum of ``field``. days: the expected
    days until the next one, at most ``within``. hour: the local hour at which it most likely comes. channel: the
    channel on which a contact most likely has the outcome.
    """

    id: Name
    predict: Predict
    event: Word | None = None
    outcome: OutcomeType | None = None
    #: A path in the event's properties; of an outcome only ``value``.
    field: FieldPath | None = None
    within: Window = "28d"
