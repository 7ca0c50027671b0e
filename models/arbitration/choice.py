"""Which candidate takes a position, and with which probability.

``inverse_gap`` is inverse-gap weighting (Abe and Long 1999; Foster and Rakhlin 2020, SquareCB): of K candidates each
but the best gets 1 / (K + gamma * gap) with gap = 1 - priority / best, and the best what is left. ``epsilon`` explores
uniformly, ``none`` never. Exploration has a share; with the rest the best is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.canonical import significant
from models.catalog.plan import Exploration

#: What ``Exploration.method`` may be.
METHODS: Final = frozenset({"inverse_gap", "epsilon", "none"})


def weights(exploration: Exploration, priorities: Sequence[float]) -> list[float]:
    """Exploration weights of candidates, best first; they add up to 1."""
    count, best = len(priorities), priorities[0]
    if exploration.method == "inverse_gap":
        if best <= 0.0:
            return [1.0 - (count - 1) / count, *[1.0 / count] * (count - 1)]
        gamma = exploration.gamma
        others = [1.0 / (count + gamma * (1.0 - priority / best)) for priority in priorities[1:]]
        # From left to right: ``sum`` compensates its errors in some versions of Python and not in others.
        return [1.0 - reduce(add, others, 0.0), *others]
    if exploration.method == "epsilon":
        return [1.0 / count] * count
    return [1.0, *[0.0] * (count - 1)]


def _share(exploration: Exploration) -> float:
    return 0.0 if exploration.method == "none" else exploration.share


def probabilities(exploration: Exploration, priorities: Sequence[float]) -> list[float]:
    """Selection probabilities of candidates that are sorted best first; they add up to 1."""
    share = _share(exploration)
    chances = [share * weight for weight in weights(exploration, priorities)]
    chances[0] += 1.0 - share
    return chances


def best_chances(
    exploration: Exploration, priorities: NDArray[np.float64], sizes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """float64[decisions]: ``probabilities(...)[0]`` of many decisions at once, to the same bits.

    ``priorities``: those of each decision sorted best first, one decision after the other; ``sizes``, none of them 0:
    how many each has.
    """
    if sizes.size == 1:  # sooner done by itself than by operations on arrays
        return np.array(probabilities(exploration, priorities.tolist())[:1])
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
    else:
        weighed = 1.0 / counts if exploration.method == "epsilon" else np.ones(len(counts))
    return share * weighed + (1.0 - share)


def choose(exploration: Exploration, priorities: Sequence[float], drawn: float) -> tuple[int, float]:
    """The place of the chosen candidate and its selection probability; ``drawn`` is uniform in [0, 1).

    ``priorities`` are sorted best first. The probability is rounded to the digits that are kept, and never 0.
    """
    share = _share(exploration)
    weighed = weights(exploration, priorities)
    first = share * weighed[0] + (1.0 - share)
    if drawn < first:
        return 0, significant(first)
    chances = [first, *[share * weight for weight in weighed[1:]]]
    reached, chosen, kept = 0.0, 0, 0.0
    for place, chance in enumerate(chances):
        if chance <= 0.0:
            continue
        chosen, kept = place, chance
        reached += chance
        if drawn < reached:
            break
    return chosen, significant(kept)
