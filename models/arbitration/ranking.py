"""The numbers of the actions that passed every gate, best first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from models.immutable import immutable

Numbers = NDArray[np.float64]


@immutable
class Ranked:
    """The numbers of one action that passed every gate."""

    action: int
    propensity: float
    context_weight: float
    priority: float


class Ranking(Mapping[int, Ranked]):
    """Action index -> its numbers. Kept as columns, because a decision reads few of the objects it could make: best
    priority first, equal ones by action id."""

    __slots__ = ("_places", "_propensities", "_weights", "actions", "priorities")

    def __init__(
        self, actions: list[int], propensities: Numbers, weights: Numbers, priorities: list[float]
    ) -> None:
        self.actions = actions
        self.priorities = priorities
        self._propensities = propensities
        self._weights = weights
        self._places: dict[int, int] = {}

    def without(self, removed: Collection[int]) -> Ranking:
        """The same order without some actions."""
        if not removed:
            return self
        kept = [place for place, action in enumerate(self.actions) if action not in removed]
        return Ranking(
            [self.actions[place] for place in kept], self._propensities[kept], self._weights[kept],
            [self.priorities[place] for place in kept],
        )

    def propensity(self, place: int) -> float:
        """Of the action at a place of the order."""
        return float(self._propensities[place])

    def __getitem__(self, action: int) -> Ranked:
        if not self._places:
            self._places = {action: place for place, action in enumerate(self.actions)}
        place = self._places[action]
        return Ranked(action, self.propensity(place), float(self._weights[place]), self.priorities[place])

    def __iter__(self) -> Iterator[int]:
        return iter(self.actions)

    def __len__(self) -> int:
        return len(self.actions)
