"""What a turn leaves for shadows: which items it showed to whom. Not appended, and scored once the turn is answered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.arbitration.preparation import Preparation
from models.catalog.plan import Plan
from models.immutable import immutable
from models.profile.facts import Decided
from models.profile.features import FeatureView
from models.scoring.matrix import Layout


@immutable
class Shown:
    """One decision that showed something. References alone: what it points at is never changed."""

    decision_id: str
    channel: str
    #: The customer as the decision saw it.
    view: FeatureView
    #: Action ids of the shown items without fallbacks, and their indexes in the plan.
    actions: tuple[str, ...]
    indexes: NDArray[np.uint16]


@immutable
class ToShadow:
    """The decisions of one turn, with what their rows need besides."""

    now_ms: int
    plan: Plan
    #: A propensity per action of the plan.
    evidence: NDArray[np.float64]
    decisions: Sequence[Shown]

    def matrix(self, layout: Layout) -> NDArray[np.float32]:
        """float32[items, features]: a row per shown item, decision by decision, in the columns of one scorer."""
        views = [shown.view for shown in self.decisions]
        vectors = layout.wave_vectors(
            [view.values for view in views], [view.attributes for view in views], [view.scores for view in views],
            [shown.channel for shown in self.decisions], self.now_ms,
        )
        return layout.stack(vectors, [shown.indexes for shown in self.decisions], self.evidence)


def shown_of(preparation: Preparation, fact: Decided) -> Shown | None:
    """Of a decision that was just recorded; None when it showed nothing that a scorer ranks."""
    actions = tuple(item.action for item in fact.items if not item.fallback)
    if not actions:
        return None
    places = np.array([preparation.plan.action_index[action] for action in actions], np.uint16)
    return Shown(fact.decision_id, preparation.asked.channel.id, preparation.standing.view, actions, places)
