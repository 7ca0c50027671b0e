"""The numbers of the actions that passed every gate, best first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.arbitration.choice import Beliefs
from models.immutable import immutable

Numbers = NDArray[np.float64]


@immutable
class Ranked:
    """The numbers of one action that passed every gate."""

    action: int
    propensity: float
    context_weight: float
    priority: float


@immutable
class Columns:
    """The rankings of a whole wave, one after the other."""

    actions: NDArray[np.uint16]
    propensities: Numbers
    #: None when all are 1.
    weights: Numbers | None
    priorities: Numbers
    #: How many contacts each propensity is worth; None unless the method of exploration asks.
    contacts: Numbers | None = None
    #: The exponent of propensities in priorities.
    exponent: float = 1.0


@immutable
class Lead:
    """The best action of a ranking, whose numbers are all that most decisions read."""

    action: int
    propensity: float
    priority: float
    #: Drawn below this it is chosen, and with which (rounded) probability: while nobody of the ranking is left out.
    chance: float
    probability: float


class Ranking(Mapping[int, Ranked]):
    """Action index -> its numbers. A stretch of a wave's columns, best priority first, equal ones by action id: objects
    are made of what is read, because a decision reads few of the numbers that decide it."""

    __slots__ = ("_actions", "_columns", "_places", "_priorities", "_start", "_stop", "lead")

    def __init__(self, columns: Columns, start: int, stop: int, lead: Lead | None) -> None:
        self._columns = columns
        self._start = start
        self._stop = stop
        #: None when nobody passed every gate, and where some were removed since.
        self.lead = lead
        self._actions: list[int] | None = None
        self._priorities: list[float] | None = None
        self._places: dict[int, int] = {}

    @property
    def actions(self) -> list[int]:
        if self._actions is None:
            self._actions = self._columns.actions[self._start : self._stop].tolist()
        return self._actions

    @property
    def priorities(self) -> list[float]:
        if self._priorities is None:
            self._priorities = self._columns.priorities[self._start : self._stop].tolist()
        return self._priorities

    def without(self, removed: Collection[int]) -> Ranking:
        """The same order without some actions."""
        if not removed:
            return self
        columns = self._columns
        kept = np.array([self._start + at for at, action in enumerate(self.actions) if action not in removed], np.intp)
        weights = None if columns.weights is None else columns.weights[kept]
        contacts = None if columns.contacts is None else columns.contacts[kept]
        left = Columns(
            columns.actions[kept], columns.propensities[kept], weights, columns.priorities[kept], contacts,
            columns.exponent,
        )
        return Ranking(left, 0, len(kept), None)

    def propensity(self, place: int) -> float:
        """Of the action at a place of the order."""
        return float(self._columns.propensities[self._start + place])

    def beliefs(self, places: Sequence[int]) -> Beliefs | None:
        """What is believed of the propensities of the actions at these places of the order; None unless asked for."""
        columns = self._columns
        if columns.contacts is None:
            return None
        at = self._start + np.asarray(places, np.intp)
        return Beliefs(columns.propensities[at], columns.contacts[at], columns.exponent)

    def __getitem__(self, action: int) -> Ranked:
        if not self._places:
            self._places = {action: place for place, action in enumerate(self.actions)}
        place = self._places[action]
        weights = self._columns.weights
        weight = 1.0 if weights is None else float(weights[self._start + place])
        return Ranked(action, self.propensity(place), weight, self.priorities[place])

    def __iter__(self) -> Iterator[int]:
        return iter(self.actions)

    def __len__(self) -> int:
        return self._stop - self._start
