"""What could be done: the hierarchy, budgets, actions and their treatments."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models import limits
from models.catalog.schema.fields import Content, Id, Percent, RuleText, Shape, TimeText, Window, Word


class Group(Shape):
    id: Id
    lever: Percent = 0.0


class Issue(Shape):
    issue: Id
    lever: Percent = 0.0
    groups: Annotated[list[Group], Field(min_length=1)]


class Budget(Shape):
    id: Id
    unit: Word
    cap: Annotated[int, Field(ge=0, le=limits.BUDGET_CAP_MAX)]
    period: Literal["minute", "hour", "day", "week", "month"] | None = None
    spend_on: Literal["accept", "contact"] = "accept"


class BudgetUse(Shape):
    id: Id
    units: Annotated[int, Field(ge=1, le=limits.BUDGET_CAP_MAX)]


class Valid(Shape):
    """From its first to before its last instant; a missing bound is open."""

    from_: TimeText | None = Field(default=None, alias="from")
    until: TimeText | None = None


class Accept(Shape):
    """Which outcome is success, and within which time after the contact's confirmation."""

    outcome: Literal["accept", "convert", "click"] = "accept"
    within: Window = "7d"


class Treatment(Shape):
    id: Id
    placement: Id
    content: Content
    tags: list[Word] = Field(default_factory=list)
    when: RuleText | None = None
    budget: BudgetUse | None = None
    #: Among the fitting treatments of its action at its placement: where any has one, one of those that have is drawn.
    weight: Annotated[int, Field(ge=0, le=limits.TREATMENT_WEIGHT_MAX)] | None = None


class Action(Shape):
    id: Id
    group: Id
    #: Expected margin per acceptance, in currency; a fallback needs none.
    value: Annotated[float, Field(ge=0.0, le=1e12)] | None = None
    lever: Percent = 0.0
    fallback: bool = False
    mandatory: bool = False
    valid: Valid | None = None
    eligibility: RuleText | None = None
    applicability: RuleText | None = None
    suitability: RuleText | None = None
    context_weight: RuleText | None = None
    accept: Accept = Accept()
    budget: BudgetUse | None = None
    treatments: Annotated[list[Treatment], Field(max_length=limits.TREATMENTS_PER_ACTION_MAX)]
