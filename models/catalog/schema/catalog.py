"""The file as a whole."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models import limits
from models.catalog.schema.choosing import Arbitration
from models.catalog.schema.customer import Attribute, Feature, Segment
from models.catalog.schema.experiments import Experiment
from models.catalog.schema.fields import Shape, Word, Zone
from models.catalog.schema.offers import Action, Budget, Issue
from models.catalog.schema.places import Channel, Placement
from models.catalog.schema.policies import ContactPolicy, Trigger
from models.catalog.schema.targets import Target


class Catalog(Shape):
    #: The version of this format.
    catalog: Literal[1]
    name: Word
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    timezone: Zone
    channels: Annotated[list[Channel], Field(min_length=1, max_length=limits.CHANNELS_MAX)]
    placements: Annotated[list[Placement], Field(min_length=1, max_length=limits.PLACEMENTS_MAX)]
    attributes: list[Attribute] = Field(default_factory=list, max_length=limits.ATTRIBUTES_PER_CUSTOMER_MAX)
    features: list[Feature] = Field(default_factory=list, max_length=limits.FEATURES_MAX)
    segments: list[Segment] = Field(default_factory=list, max_length=limits.SEGMENTS_MAX)
    targets: list[Target] = Field(default_factory=list, max_length=limits.TARGETS_MAX)
    hierarchy: list[Issue] = Field(default_factory=list, max_length=limits.GROUPS_MAX)
    budgets: list[Budget] = Field(default_factory=list, max_length=limits.BUDGETS_MAX)
    actions: Annotated[list[Action], Field(max_length=limits.ACTIONS_MAX)]
    contact_policies: list[ContactPolicy] = Field(default_factory=list, max_length=limits.CONTACT_POLICIES_MAX)
    triggers: list[Trigger] = Field(default_factory=list, max_length=limits.TRIGGERS_MAX)
    arbitration: Arbitration = Arbitration()
    experiments: list[Experiment] = Field(default_factory=list, max_length=limits.EXPERIMENTS_MAX)
