"""How one of many is chosen: factors, exploration, control group, evidence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models.catalog.schema.fields import Id, Shape

_Exponent = Annotated[float, Field(ge=0.0, le=10.0)]
_Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Factors(Shape):
    """Exponents of the priority; 0 switches a factor off."""

    propensity: _Exponent = 1.0
    context: _Exponent = 1.0
    value: _Exponent = 1.0
    lever: _Exponent = 1.0


class Exploration(Shape):
    method: Literal["inverse_gap", "thompson", "epsilon", "none"] = "inverse_gap"
    gamma: Annotated[float, Field(ge=0.0, le=1e9)] = 200.0
    share: _Share = 0.10


class ControlGroup(Shape):
    id: Id
    share: _Share
    rotate: Literal["month", "never"] = "month"


class Evidence(Shape):
    """The prior propensity and how many contacts it weighs. ``blend``: from as many rows of an action a scorer's word
    weighs half, and as many outcomes of the action halve the weight of what it learnt from others of its group and
    issue; 0: the scorer alone (``models.scoring.blending``)."""

    prior: _Share = 0.05
    strength: Annotated[float, Field(gt=0.0, le=1e9)] = 20.0
    blend: Annotated[float, Field(ge=0.0, le=1e9)] = 200.0


class Arbitration(Shape):
    factors: Factors = Factors()
    exploration: Exploration = Exploration()
    control_group: ControlGroup | None = None
    evidence: Evidence = Evidence()
