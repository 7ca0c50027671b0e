"""Who may take a position, and how likely each is: what a choice is drawn from.

``position_chances`` tells the whole distribution over (action, treatment) of one position given what stands above it;
``placing`` draws from the same numbers. Off-policy evaluation asks it what a policy would have done.
"""

from __future__ import annotations

from functools import reduce
from operator import add

from models.arbitration.above import Above
from models.arbitration.choice import Beliefs, choose, probabilities
from models.arbitration.funnel import Options
from models.arbitration.preparation import Preparation
from models.arbitration.ranking import Ranking
from models.canonical import significant
from models.catalog.plan import Treatment
from models.immutable import immutable
from models.randomness import draw


@immutable
class Chance:
    #: Index of the action in the plan.
    action: int
    treatment: Treatment
    #: Rounded to the kept digits, as in an answer; never 0.
    probability: float


@immutable
class Contest:
    """Who competes for a position: at least one."""

    #: In the ranking, best first.
    places: list[int]
    priorities: list[float]
    #: None unless the method asks for them.
    beliefs: Beliefs | None


def contest(ranking: Ranking, above: Above, placement: str) -> Contest | None:
    """None when nobody can take the next position of the placement (fallbacks may)."""
    places = above.candidates(placement, ranking.actions)
    if not places:
        return None
    priorities = ranking.priorities
    if len(places) < len(priorities):
        priorities = [priorities[place] for place in places]
    return Contest(places, priorities, ranking.beliefs(places))


def position_chances(preparation: Preparation, ranking: Ranking, above: Above, placement: str) -> list[Chance]:
    """Every (action, treatment) that may take the next position of a placement, best action first, treatments in
    catalog order; empty when nobody can. The probabilities add up to 1, to rounding.

    ``ranking``: of the actions that pass every gate, budgets too (``deciding.opening`` gives it with ``above``);
    ``above``: what was placed before, by ``Above.put``.
    """
    found = contest(ranking, above, placement)
    if found is None:
        return []
    told: list[Chance] = []
    chances = probabilities(preparation.arbitration.exploration, found.priorities, found.beliefs)
    for place, chance in zip(found.places, chances, strict=True):
        if chance <= 0.0:
            continue
        action = ranking.actions[place]
        options = above.options(placement, action)
        told += [Chance(action, one, significant(chance * part)) for one, part in zip(*parted(options), strict=True)]
    return told


def parted(options: Options) -> tuple[list[Treatment], list[float]]:
    """Treatments and the share of each in the draw among them."""
    total = reduce(add, [weight for _, weight in options])
    return [treatment for treatment, _ in options], [weight / total for _, weight in options]


def drawn(preparation: Preparation, found: Contest, placement: str, rank: int) -> tuple[int, float]:
    """The place in the ranking of whom the position falls to, and the chance of that, not rounded yet."""
    at, chance = choose(
        preparation.arbitration.exploration, found.priorities, draw(preparation.seed, placement, rank), found.beliefs
    )
    return found.places[at], chance


def drawn_treatment(preparation: Preparation, options: Options, placement: str, rank: int) -> tuple[Treatment, float]:
    """One of the treatments by their weights, and its share; a draw of its own, so that weights move no action."""
    if len(options) == 1:
        return options[0][0], 1.0
    treatments, shares = parted(options)
    reached, point = 0.0, draw(preparation.seed, placement, rank, "treatment")
    for treatment, share in zip(treatments, shares, strict=True):
        reached += share
        if point < reached:
            return treatment, share
    return treatments[-1], shares[-1]
