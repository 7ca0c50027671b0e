"""Who survives, in which order, and with which probability: inverse-gap weighting, one draw per position."""

from __future__ import annotations

import random
from dataclasses import dataclass

from loadtests.references.redis_service.catalog import Action, Catalog


@dataclass(frozen=True, slots=True)
class Chosen:
    """``rank`` counts from 1 within its placement."""

    action: Action
    placement: str
    rank: int
    propensity: float
    priority: float
    probability: float


def survivors(catalog: Catalog, profile: dict[str, float], excluded: frozenset[str]) -> list[Action]:
    """The actions whose rules hold."""
    return [
        action for action in catalog.actions
        if action.id not in excluded and action.eligible(profile) and action.applicable(profile)
    ]


def choose(
    catalog: Catalog, candidates: list[tuple[Action, float]], wishes: list[tuple[str, int]], chance: random.Random,
) -> list[Chosen]:
    """``candidates`` with their propensities; ``wishes``: (placement, count). An action appears at most once."""
    left = [(action, p, p * action.value * action.lever) for action, p in candidates]
    chosen: list[Chosen] = []
    for placement, count in wishes:
        for rank in range(1, count + 1):
            fitting = [entry for entry in left if placement in entry[0].treatments]
            if not fitting:
                break
            at, probability = _draw(catalog, [priority for _, _, priority in fitting], chance)
            action, propensity, priority = fitting[at]
            chosen.append(Chosen(action, placement, rank, propensity, priority, probability))
            left.remove(fitting[at])
    return chosen


def _draw(catalog: Catalog, priorities: list[float], chance: random.Random) -> tuple[int, float]:
    best = max(range(len(priorities)), key=priorities.__getitem__)
    most = priorities[best]
    size = len(priorities)
    if most <= 0:
        weights = [1 / size] * size
    else:
        weights = [1 / (size + catalog.gamma * (1 - priority / most)) for priority in priorities]
        weights[best] = 1.0 - (sum(weights) - weights[best])
    share = catalog.share
    at = best if chance.random() >= share else chance.choices(range(size), weights)[0]
    return at, share * weights[at] + (1 - share) * (at == best)
