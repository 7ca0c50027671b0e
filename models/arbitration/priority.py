"""priority = propensity^a * context^b * value^c * lever^d, rounded once and ranked as rounded."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.arbitration.choice import Beliefs, best_chances
from models.arbitration.power import power
from models.arbitration.preparation import Preparation
from models.arbitration.ranking import Columns, Lead, Ranking
from models.canonical import significant, significant_all
from models.catalog.plan import Exploration
from models.errors import InvariantBroken
from models.scoring.blending import blended

Numbers = NDArray[np.float64]


def rank(preparation: Preparation, scores: NDArray[np.float32] | None) -> Ranking:
    """Rank every scored action of one decision. Raises when the scores are not theirs."""
    return rank_all([preparation], scores)[0]


def rank_all(preparations: Sequence[Preparation], scores: NDArray[np.float32] | None) -> list[Ranking]:
    """Rank decisions under one plan and one evidence together: the price of an array operation hardly depends on its
    length, and every number is that of the decision alone. ``scores``: those of all, in order; None: evidence."""
    if not preparations:
        return []
    first = preparations[0]
    rules, scorer = first.arbitration, first.scorer
    if all(one.arbitration is rules and one.scorer == scorer for one in preparations):
        return _rank_alike(preparations, scores)
    groups: dict[tuple[int, str | None], list[int]] = {}
    for place, one in enumerate(preparations):
        groups.setdefault((id(one.arbitration), one.scorer), []).append(place)
    cuts = np.cumsum([len(one.scored) for one in preparations])[:-1]
    parts = None if scores is None else np.split(scores, cuts)
    rankings: dict[int, Ranking] = {}
    for places in groups.values():
        own = None if parts is None else np.concatenate([parts[place] for place in places])
        rankings.update(zip(places, _rank_alike([preparations[place] for place in places], own), strict=True))
    return [rankings[place] for place in range(len(preparations))]


def _rank_alike(preparations: Sequence[Preparation], scores: NDArray[np.float32] | None) -> list[Ranking]:
    """Of decisions that go by the same arbitration and scorer."""
    first = preparations[0]
    index, rules = first.index, first.arbitration
    scored = np.concatenate([preparation.scored for preparation in preparations])
    propensities = significant_all(_propensities(first, scored, scores))
    weights = _weights(preparations)
    with np.errstate(over="ignore", invalid="ignore"):
        product = _powers(propensities, rules.propensity)
        if weights is not None:
            product = product * _powers(weights, rules.context)
        values, levers = index.powers(rules)
        product = product * values[scored] * levers[scored]
    priorities = significant_all(np.minimum(product, sys.float_info.max))
    sizes = np.array([len(preparation.scored) for preparation in preparations])
    owners = np.repeat(np.arange(len(sizes)), sizes)
    # Sorting is stable and each decision's actions ascend: where ids ascend with them, equal ones are in order already.
    order = np.lexsort((-priorities, owners) if index.ids_ascend else (index.id_place[scored], -priorities, owners))
    contacts = None if first.contacts is None else first.contacts[scored][order]
    columns = Columns(
        scored[order], propensities[order], None if weights is None else weights[order], priorities[order], contacts,
        rules.propensity,
    )
    return _rankings(columns, sizes, rules.exploration)


def _rankings(columns: Columns, sizes: NDArray[np.int64], exploration: Exploration) -> list[Ranking]:
    """Cut a wave's columns into its decisions, with the lead of each."""
    stops = np.cumsum(sizes)
    starts = stops - sizes
    some = np.flatnonzero(sizes)
    best = starts[some]
    beliefs = None
    if columns.contacts is not None:
        beliefs = Beliefs(columns.propensities, columns.contacts, columns.exponent)
    chances = best_chances(exploration, columns.priorities, sizes[some], beliefs)
    leads = map(
        Lead, columns.actions[best].tolist(), columns.propensities[best].tolist(), columns.priorities[best].tolist(),
        chances.tolist(),
        [significant(float(chances[0]))] if len(chances) == 1 else significant_all(chances).tolist(),
    )
    return [
        Ranking(columns, start, stop, next(leads) if start < stop else None)
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
    ]


def _weights(preparations: Sequence[Preparation]) -> Numbers | None:
    """The context weights of all; None when all are 1, which no power changes."""
    if all(preparation.context_weights is None for preparation in preparations):
        return None
    return np.concatenate([
        np.ones(len(p.scored)) if p.context_weights is None else p.context_weights for p in preparations
    ])


def _powers(bases: Numbers, exponent: float) -> Numbers:
    """``power`` of every base."""
    if exponent == 0.0:
        return np.ones_like(bases)
    if exponent == 1.0:
        return np.maximum(bases, 0.0)
    return np.array([power(base, exponent) for base in bases.tolist()], np.float64)


def _propensities(first: Preparation, scored: NDArray[np.uint16], scores: NDArray[np.float32] | None) -> Numbers:
    """Of the scored actions: by the scorer as far as it is trusted, else by evidence."""
    evidence = first.evidence[scored]
    if scores is None:
        return evidence
    if scores.shape != evidence.shape:
        raise InvariantBroken(f"scores of shape {scores.shape} came for {len(evidence)} actions")
    return blended(scores, evidence, None if first.trust is None else first.trust[scored])
