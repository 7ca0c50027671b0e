"""Values of all features of a customer at an instant, recomputed only where they can have changed.

Called by the turn, by ``predicates``, ``views`` and training. A read of an unchanged profile costs an identity check
per feature; what moves with every instant (``days_since_last``, ``decayed_sum``) is computed at every new instant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from operator import is_not
from typing import Any

from models.catalog.plan import Plan
from models.profile import windows
from models.profile.cache import cache_of
from models.profile.dependencies import Dependencies, dependencies
from models.profile.running import NEVER
from models.profile.state import Profile


@dataclass(slots=True)
class FeatureView:
    """True for the aggregates and attributes that it names, over [now_ms, edge_ms). Never changed once made."""

    plan: Plan
    now_ms: int
    #: The first instant at which time alone may change a value.
    edge_ms: int
    #: In plan order; None = absent.
    values: list[Any]
    #: What ``values`` were read from, and until when each holds, in plan order.
    aggregates: tuple[Any, ...]
    edges: list[int]
    attributes: dict[str, bool | float | str]
    _record: dict[str, Any] | None = field(default=None, repr=False)

    def record(self) -> dict[str, Any]:
        """Present features and attributes: what ``profile`` is in rules. Not to be changed."""
        if self._record is None:
            ids = dependencies(self.plan).feature_ids
            record = {id_: value for id_, value in zip(ids, self.values, strict=True) if value is not None}
            record.update(self.attributes)
            self._record = record
        return self._record


def read(profile: Profile, plan: Plan, now_ms: int) -> FeatureView:
    """The features at ``now_ms``; cached, and equal to what an empty cache would give."""
    known = dependencies(plan)
    cache = cache_of(profile)
    aggregates = tuple(map(profile.windows.get, known.feature_ids))
    view = cache.view
    if view is None or view.plan is not plan or now_ms < view.now_ms:
        view = cache.view = _made(None, profile, known, aggregates, now_ms)
    elif (
        now_ms >= view.edge_ms or view.attributes != profile.attributes
        or any(map(is_not, aggregates, view.aggregates))
    ):
        view = cache.view = _made(view, profile, known, aggregates, now_ms)
    return view


def _made(
    old: FeatureView | None, profile: Profile, known: Dependencies, aggregates: tuple[Any, ...], now_ms: int
) -> FeatureView:
    features = known.plan.features
    values: list[Any] = list(old.values) if old else [None] * len(features)
    edges: list[int] = list(old.edges) if old else [0] * len(features)
    was = old.aggregates if old else aggregates
    changed = [
        index for index, (aggregate, before, edge) in enumerate(zip(aggregates, was, edges, strict=True))
        if aggregate is not before or now_ms >= edge
    ]
    for index in changed:
        # A ratio has no aggregate: absent for now.
        values[index], edges[index] = windows.read(aggregates[index], features[index], now_ms)
    for index in known.ratios:
        values[index] = _ratio(*(values[part] for part in features[index].of))
    return FeatureView(
        known.plan, now_ms, min(edges, default=NEVER), values, aggregates, edges, dict(profile.attributes)
    )


def _ratio(above: float | None, below: float | None) -> float | None:
    """Absent without both, by zero, and beyond a double."""
    if above is None or not below:
        return None
    ratio = above / below
    return ratio if math.isfinite(ratio) else None
