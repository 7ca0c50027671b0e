"""What ``GET /v1/scorers`` says of a scorer that was watched (see ``models.monitoring.report``)."""

from __future__ import annotations

from pydantic import Field

from models.messages.bases import AnswerModel


class Calibrated(AnswerModel):
    """Labels that were settled in the window: what was accepted, and what was expected to be."""

    rows: int
    observed: int
    predicted: float
    ratio: float | None = Field(description="observed / predicted: 1 for a calibrated scorer")
    ratio_interval: list[float] | None = Field(description="Wilson's, 99 %")
    log_loss: float
    brier: float
    drifted: bool = Field(description="100 labels or more, and the whole interval is over a tenth off 1")


class CalibratedWithin(Calibrated):
    """Of one action and channel; ``*``: of all those that are not kept apart."""

    action: str
    channel: str


class FeatureDrift(AnswerModel):
    feature: str
    psi: float = Field(description="Population stability index against the rows that the scorer learnt from")
    drifted: bool = Field(description="200 rows or more, and the index is over 0.25 and what chance explains")


class FeatureDriftWithin(FeatureDrift):
    """The most drifted feature of one action and channel."""

    action: str
    channel: str
    rows: int


class FeatureDrifts(AnswerModel):
    """Over a sample of the rows that were shown."""

    rows: int
    watched: int
    drifted: int
    worst: list[FeatureDrift]
    by_action_and_channel: list[FeatureDriftWithin]


class Decided(AnswerModel):
    """Of who decided, on the labels of a shadow."""

    predicted: float
    log_loss: float
    brier: float
    ratio: float | None


class ShadowCompared(Calibrated):
    """What the shadow gave to the items that were shown."""

    decided: Decided


class Monitor(Calibrated):
    """Of the labels behind decisions of this scorer, over the last days of the decision clock."""

    since: str | None = Field(description="Since when somebody watches, but not before the window")
    age_s: float | None = Field(description="Since the newest label")
    window_days: int
    worst: list[CalibratedWithin]
    features: FeatureDrifts | None
    shadow: ShadowCompared | None
