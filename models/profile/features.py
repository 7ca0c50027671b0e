"""Values of all features of a customer at an instant, recomputed only where they can have changed.

Called by the turn, by ``predicates``, ``views`` and training. A read of an unchanged profile costs an identity check
per feature (one pass in C); what moves with every instant (``days_since_last``, ``decayed_sum``) is computed at every
new instant, any other feature when it was fed or when its edge has come.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import compress
from operator import is_not
from typing import Any

from models.catalog.plan import SCORES, Plan
from models.profile import windows
from models.profile.cache import cache_of
from models.profile.dependencies import Dependencies, dependencies
from models.profile.learnt import Score
from models.profile.running import NEVER
from models.profile.state import Profile


@dataclass(slots=True)
class FeatureView:
    """True at ``now_ms`` for the aggregates and attributes that it names; but for the features that move with every
    instant, over [now_ms, edge_ms). Never changed once made."""

    plan: Plan
    now_ms: int
    #: Not after the first instant at which time alone may change a value of a feature that does not move with every
    #: instant.
    edge_ms: int
    #: In plan order; None = absent.
    values: list[Any]
    #: What ``values`` were read from, and until when each holds (of moving features: NEVER), in plan order.
    aggregates: tuple[Any, ...]
    edges: list[int]
    attributes: dict[str, bool | float | str]
    #: All scores of the customer, and of those that the plan's targets declare the values, by target.
    scored: dict[str, Score]
    scores: dict[str, float | str]
    _record: dict[str, Any] | None = field(default=None, repr=False)

    def record(self) -> dict[str, Any]:
        """Present features, attributes and, where the plan has targets, ``scores``: what ``profile`` is in rules. Not
        to be changed."""
        if self._record is None:
            ids = dependencies(self.plan).feature_ids
            record = {id_: value for id_, value in zip(ids, self.values, strict=True) if value is not None}
            record.update(self.attributes)
            if self.plan.targets:
                record[SCORES] = self.scores
            self._record = record
        return self._record


def read(profile: Profile, plan: Plan, now_ms: int) -> FeatureView:
    """The features at ``now_ms``; cached, and equal to what an empty cache would give."""
    known = dependencies(plan)
    cache = cache_of(profile)
    aggregates = tuple(map(profile.windows.get, known.feature_ids))
    view = cache.view
    if view is None or view.plan is not plan or now_ms < view.now_ms:
        nothing: list[Any] = [None] * len(aggregates)
        view = FeatureView(plan, now_ms, NEVER, nothing, aggregates, [NEVER] * len(aggregates), {}, {}, {})
        cache.view = view = _made(view, profile, known, aggregates, known.places, now_ms)
    else:
        changed = list(compress(known.places, map(is_not, aggregates, view.aggregates)))
        if now_ms != view.now_ms:
            changed += [place for place in known.moving if aggregates[place] is not None]
            if now_ms >= view.edge_ms:
                changed += [place for place, edge in enumerate(view.edges) if now_ms >= edge]
        if changed or view.attributes != profile.attributes or view.scored != profile.scores:
            cache.view = view = _made(view, profile, known, aggregates, changed, now_ms)
    return view


def _made(
    old: FeatureView, profile: Profile, known: Dependencies, aggregates: tuple[Any, ...], changed: Iterable[int],
    now_ms: int,
) -> FeatureView:
    """``old`` with the features at the places ``changed`` read again."""
    features, moving = known.plan.features, known.moving
    values, edges, edge_ms = old.values.copy(), old.edges.copy(), old.edge_ms
    for place in changed:
        held, feature = aggregates[place], features[place]
        if held is None or held.pending or held.definition != feature.definition:
            # Among these a ratio, which has no aggregate: absent for now.
            values[place], edge = windows.read(held, feature, now_ms)
        else:
            values[place], edge = held.read(feature, now_ms)
        if place not in moving:
            edges[place] = edge
            if edge < edge_ms:
                edge_ms = edge
    if edge_ms <= now_ms:
        edge_ms = min(edges, default=NEVER)
    for place in known.ratios:
        values[place] = _ratio(*(values[part] for part in features[place].of))
    scored, scores = old.scored, old.scores
    if scored != profile.scores:
        scored = dict(profile.scores)
        scores = declared_scores(scored, known.plan)
    return FeatureView(
        known.plan, now_ms, edge_ms, values, aggregates, edges, dict(profile.attributes), scored, scores
    )


def declared_scores(scored: dict[str, Score], plan: Plan) -> dict[str, float | str]:
    """Values of those that are targets of the plan, in its order. A score of another kind, from before the target was
    another one, counts as absent."""
    return {
        id_: scored[id_].value for id_, target in plan.targets.items()
        if id_ in scored and isinstance(scored[id_].value, str) == target.is_text
    }


def _ratio(above: float | None, below: float | None) -> float | None:
    """Absent without both, by zero, and beyond a double."""
    if above is None or not below:
        return None
    ratio = above / below
    return ratio if math.isfinite(ratio) else None
