"""What the calls about experiments answer, as ``/openapi.json`` describes it."""

from __future__ import annotations

from typing import Literal

from models.messages.bases import AnswerModel

State = Literal["running", "ended"]


class Estimate(AnswerModel):
    value: float
    #: Holds at all times at once, however often it is looked at.
    ci: tuple[float, float]


class Lift(AnswerModel):
    """Against the control: the difference of the means, and that by the control's mean (null where that is not > 0)."""

    absolute: Estimate
    relative: Estimate | None


class VariantResult(AnswerModel):
    id: str
    #: None: it left the catalog.
    weight: int | None
    control: bool
    #: Customers exposed, and those whose time of observation has passed.
    assigned: int
    observed: int
    #: Running figures of contacts since exposure, those of customers that are still observed included.
    contacts: int
    accepts: int
    #: Of the metric per observed customer; None before the first.
    mean: float | None
    #: None for the control, and while too few were observed to say anything.
    lift: Lift | None
    decided: Literal["better", "worse", "not yet"] | None


class SampleRatio(AnswerModel):
    """Whether customers fall into the variants as the weights say; ``p_value`` is 1 / ``e_value``, at most 1."""

    e_value: float | None
    p_value: float | None
    alarm: bool
    why: str


class ExperimentSummary(AnswerModel):
    id: str
    namespace: str
    state: State
    metric: Literal["accepts", "value"]
    share: float
    variants: list[str]
    assigned: int
    observed: int
    #: Of the sample ratio.
    alarm: bool


class Experiments(AnswerModel):
    """Those of the live catalog, and those that left it."""

    experiments: list[ExperimentSummary]


class ExperimentReport(AnswerModel):
    id: str
    namespace: str
    state: State
    metric: Literal["accepts", "value"]
    share: float
    observe: str
    channels: list[str] | None
    #: At most so often any comparison ever misleads; each of them has its part of it.
    alpha: float
    alpha_per_comparison: float
    #: Observations of two arms together at which the intervals are tightest.
    tuned_for: int
    #: Customers, and customers that contribute, below which an arm gets no interval.
    observations_min: int
    contributing_min: int
    assigned: int
    observed: int
    variants: list[VariantResult]
    sample_ratio: SampleRatio
    #: What a catalog changed while it ran.
    notes: list[str]
