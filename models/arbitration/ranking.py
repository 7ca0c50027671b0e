"""The numbers of the actions that passed every gate, best first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ranked:
    """The numbers of one action that passed every gate."""

    action: int
    propensity: float
    context_weight: float
    priority: float


class Ranking(Mapping[int, Ranked]):
    """Action index -> its numbers. Kept as parallel lists, because a decision reads few of the objects it could make:
    best priority first, equal ones by action id."""

    __slots__ = ("_places", "actions", "priorities", "propensities", "weights")

    def __init__(
        self, actions: list[int], propensities: list[float], weights: list[float], priorities: list[float]
    ) -> None:
        self.actions = actions
        self.propensities = propensities
        self.weights = weights
        self.priorities = priorities
        self._places: dict[int, int] = {}

    def without(self, removed: Collection[int]) -> Ranking:
        """The same order without some actions."""
        if not removed:
            return self
        kept = [place for place, action in enumerate(self.actions) if action not in removed]
        return Ranking(
            [self.actions[place] for place in kept], [self.propensities[place] for place in kept],
            [self.weights[place] for place in kept], [self.priorities[place] for place in kept],
        )

    def __getitem__(self, action: int) -> Ranked:
        if not self._places:
            self._places = {action: place for place, action in enumerate(self.actions)}
        place = self._places[action]
        return Ranked(action, self.propensities[place], self.weights[place], self.priorities[place])

    def __iter__(self) -> Iterator[int]:
        return iter(self.actions)

    def __len__(self) -> int:
        return len(self.actions)
