"""Experiments: what some customers get in place of what the rest of the catalog says."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models import limits
from models.catalog.schema.choosing import Evidence, Exploration, Factors
from models.catalog.schema.fields import Id, Observe, Shape

_Weight = Annotated[int, Field(ge=0, le=limits.VARIANT_WEIGHT_MAX)]
_TreatmentWeight = Annotated[int, Field(ge=0, le=limits.TREATMENT_WEIGHT_MAX)]


class ArbitrationChange(Shape):
    """Sections of ``arbitration``; keys that are not written stay as they are in the catalog."""

    factors: Factors | None = None
    exploration: Exploration | None = None
    evidence: Evidence | None = None


class Variant(Shape):
    id: Id
    weight: _Weight
    arbitration: ArbitrationChange | None = None
    #: A registered scorer's version.
    scorer: Id | None = None
    #: Treatment -> its weight among the fitting treatments of its action at its placement.
    treatments: dict[Id, _TreatmentWeight] | None = None


class Experiment(Shape):
    id: Id
    #: A customer is in at most one experiment of a namespace.
    namespace: Id = "default"
    #: Of the namespace's customers.
    share: Annotated[float, Field(ge=0.0, le=1.0)]
    #: How long after its first exposure a customer is observed.
    observe: Observe = "14d"
    #: Per customer over ``observe``: how many contacts it accepted, or the value that accept and convert reported.
    metric: Literal["accepts", "value"] = "accepts"
    #: Only decisions in these channels; default: all.
    channels: Annotated[list[Id], Field(min_length=1)] | None = None
    #: The first is the control.
    variants: Annotated[list[Variant], Field(max_length=limits.VARIANTS_MAX)]
