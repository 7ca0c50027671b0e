"""Budget units as one decision sees them: what is free at its shard, less what it has placed above."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from models.budgets.periods import period_key
from models.catalog.plan import Plan, Treatment

#: (budget id, units), one of each budget.
Needs = tuple[tuple[str, int], ...]


class Purse:
    """Asks for each budget once; only ``take`` changes it."""

    def __init__(self, plan: Plan, free: Callable[[str, str], int], now_ms: int) -> None:
        self._plan = plan
        self._free = free
        self._now_ms = now_ms
        #: Budget id -> units that were free before this decision took any.
        self.consulted: dict[str, int] = {}
        self._taken: dict[str, int] = {}
        self._periods: dict[str, str] = {}
        self._closed = False

    def close(self) -> None:
        """The decision is made: from here on a budget that it did not consult lacks nothing."""
        self._closed = True

    def lacks(self, treatment: Treatment) -> tuple[str, str] | None:
        """(budget id, what is missing) of the first budget that cannot pay for the treatment; None when all can."""
        for budget, units in needs(treatment):
            if self._closed and budget not in self.consulted:
                continue
            left = self._left(budget)
            if left < units:
                unit = self._plan.budgets[budget].unit
                return budget, f"{left} {unit} free here, {units} needed"
        return None

    def pays(self, wanted: Iterable[Needs]) -> bool:
        """Each of these alone can be paid: then no treatment with one of them lacks anything."""
        for one in wanted:
            for budget, units in one:
                if self._left(budget) < units:
                    return False
        return True

    def take(self, treatment: Treatment) -> tuple[tuple[str, int, str, str], ...]:
        """Hold the treatment's units; returns them as (budget id, units, period key, spend_on)."""
        held: list[tuple[str, int, str, str]] = []
        for budget, units in needs(treatment):
            self._taken[budget] = self._taken.get(budget, 0) + units
            held.append((budget, units, self._period(budget), self._plan.budgets[budget].spend_on))
        return tuple(held)

    def _left(self, budget: str) -> int:
        if budget not in self.consulted:
            self.consulted[budget] = self._free(budget, self._period(budget))
        return self.consulted[budget] - self._taken.get(budget, 0)

    def _period(self, budget: str) -> str:
        if budget not in self._periods:
            self._periods[budget] = period_key(self._plan.budgets[budget].period, self._now_ms, self._plan.zone)
        return self._periods[budget]


def needs(treatment: Treatment) -> Needs:
    """What a treatment costs: the action's use and its own together."""
    if not treatment.budgets:
        return ()
    units: dict[str, int] = {}
    for use in treatment.budgets:
        units[use.id] = units.get(use.id, 0) + use.units
    return tuple(units.items())
