"""Which candidate takes a position, and with which probability.

``inverse_gap`` is inverse-gap weighting (Abe and Long 1999; Foster and Rakhlin 2020, SquareCB): of K candidates each
but the best gets 1 / (K + gamma * gap) with gap = 1 - priority / best, and the best what is left. ``thompson`` gives
each the chance to come out best if all propensities were drawn (``models.arbitration.thompson``). ``epsilon`` explores
uniformly, ``none`` never. Exploration has a share; with the rest the best is taken: share 1 is the method alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.arbitration.thompson import chances_to_lead
from models.catalog.plan import Exploration
from models.errors import InvariantBroken
from models.immutable import immutable

Numbers = NDArray[np.float64]

#: What ``Exploration.method`` may be.
METHODS: Final = frozenset({"inverse_gap", "thompson", "epsilon", "none"})


@immutable
class Beliefs:
    """What is believed of the propensities of candidates, best first: all that ``thompson`` needs beside priorities."""

    propensities: Numbers
    #: How many contacts each is worth: those counted for the action and the prior's strength.
    contacts: Numbers
    #: Of the propensity in the priority.
    exponent: float


def weights(exploration: Exploration, priorities: Sequence[float], beliefs: Beliefs | None = None) -> list[float]:
    """Exploration weights of candidates, best first; they add up to 1. ``beliefs``: only ``thompson`` asks for them."""
    count, best = len(priorities), priorities[0]
    if exploration.method == "inverse_gap":
        if best <= 0.0:
            return [1.0 - (count - 1) / count, *[1.0 / count] * (count - 1)]
        gamma = exploration.gamma
        others = [1.0 / (count + gamma * (1.0 - priority / best)) for priority in priorities[1:]]
        # From left to right: ``sum`` compensates its errors in some versions of Python and not in others.
        return [1.0 - reduce(add, others, 0.0), *others]
    if exploration.method == "thompson":
        chances: list[float] = _by_beliefs(np.array(priorities, np.float64), beliefs).tolist()
        return chances
    if exploration.method == "epsilon":
        return [1.0 / count] * count
    return [1.0, *[0.0] * (count - 1)]


def _by_beliefs(priorities: Numbers, beliefs: Beliefs | None) -> Numbers:
    if beliefs is None:
        raise InvariantBroken("thompson was asked to choose without beliefs; rank under the plan that says thompson")
    return chances_to_lead(priorities, beliefs.propensities, beliefs.contacts, beliefs.exponent)


def _share(exploration: Exploration) -> float:
    return 0.0 if exploration.method == "none" else exploration.share


def probabilities(exploration: Exploration, priorities: Sequence[float], beliefs: Beliefs | None = None) -> list[float]:
    """Selection probabilities of candidates that are sorted best first; they add up to 1."""
    share = _share(exploration)
    weighed = weights(exploration, priorities, beliefs)
    return [share * weighed[0] + (1.0 - share), *[share * weight for weight in weighed[1:]]]


def best_chances(
    exploration: Exploration, priorities: Numbers, sizes: NDArray[np.int64], beliefs: Beliefs | None = None
) -> Numbers:
    """float64[decisions]: ``probabilities(...)[0]`` of many decisions at once, to the same bits.

    ``priorities``: those of each decision sorted best first, one decision after the other (``beliefs`` likewise);
    ``sizes``, none of them 0: how many each has.
    """
    if sizes.size == 1:  # sooner done by itself than by operations on arrays
        return np.array(probabilities(exploration, priorities.tolist(), beliefs)[:1])
    if not sizes.size:
        return np.zeros(0)
    share, counts = _share(exploration), sizes.astype(np.float64)
    if exploration.method == "inverse_gap":
        inside = np.arange(sizes.max()) < sizes[:, np.newaxis]
        sorted_ = np.zeros(inside.shape)
        sorted_[inside] = priorities
        best = sorted_[:, :1]
        with np.errstate(divide="ignore", invalid="ignore"):
            others = 1.0 / (counts[:, np.newaxis] + exploration.gamma * (1.0 - sorted_ / best))
        others[~inside] = 0.0
        others[:, :1] = 0.0
        # Added up from left to right, as ``weights`` does; ``np.sum`` adds in pairs.
        weighed = 1.0 - np.add.accumulate(others, axis=1)[:, -1]
        weighed = np.where(best[:, 0] > 0.0, weighed, 1.0 - (counts - 1.0) / counts)
    elif exploration.method == "thompson":
        weighed = _leads(priorities, sizes, beliefs)
    else:
        weighed = 1.0 / counts if exploration.method == "epsilon" else np.ones(len(counts))
    return share * weighed + (1.0 - share)


def _leads(priorities: Numbers, sizes: NDArray[np.int64], beliefs: Beliefs | None) -> Numbers:
    """The weight of each decision's best under ``thompson``: one by one, as each has a quadrature of its own."""
    stops = np.cumsum(sizes).tolist()
    cuts = [slice(stop - size, stop) for stop, size in zip(stops, sizes.tolist(), strict=True)]
    if beliefs is None:
        return np.array([_by_beliefs(priorities[cut], None)[0] for cut in cuts])
    return np.array([
        chances_to_lead(priorities[cut], beliefs.propensities[cut], beliefs.contacts[cut], beliefs.exponent)[0]
        for cut in cuts
    ])


def choose(
    exploration: Exploration, priorities: Sequence[float], drawn: float, beliefs: Beliefs | None = None
) -> tuple[int, float]:
    """The place of the chosen candidate and its selection probability; ``drawn`` is uniform in [0, 1).

    ``priorities`` are sorted best first. The probability is not rounded yet, and never 0.
    """
    share = _share(exploration)
    weighed = weights(exploration, priorities, beliefs)
    first = share * weighed[0] + (1.0 - share)
    if drawn < first:
        return 0, first
    chances = [first, *[share * weight for weight in weighed[1:]]]
    reached, chosen, kept = 0.0, 0, 0.0
    for place, chance in enumerate(chances):
        if chance <= 0.0:
            continue
        chosen, kept = place, chance
        reached += chance
        if drawn < reached:
            break
    return chosen, kept
