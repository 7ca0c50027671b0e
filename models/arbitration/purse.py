"""Budget units as one decision sees them: what is free at its shard, less what it has placed above."""

from __future__ import annotations

from collections.abc import Callable

from models.arbitration.moment import Moment
from models.catalog.plan import Plan, Treatment

#: (budget id, units), one of each budget.
Needs = tuple[tuple[str, int], ...]


class Purse:
    """Asks for each budget once; only ``take`` changes it."""

    __slots__ = ("_closed", "_free", "_moment", "_pays", "_plan", "_taken", "_wanted", "consulted")

    def __init__(self, plan: Plan, free: Callable[[str, str], int], moment: Moment, wanted: tuple[Needs, ...]) -> None:
        """``wanted``: what the treatments of this decision cost, each sum of units once."""
        self._plan = plan
        self._free = free
        self._moment = moment
        self._wanted = wanted
        #: Budget id -> units that were free before this decision took any.
        self.consulted: dict[str, int] = {}
        self._taken: dict[str, int] = {}
        self._closed = False
        #: None: not known since the last ``take``.
        self._pays: bool | None = None

    def close(self) -> None:
        """The decision is made: from here on a budget that it did not consult lacks nothing."""
        self._closed = True

    def lacks(self, treatment: Treatment) -> tuple[str, str] | None:
        """(budget id, what is missing) of the first budget that cannot pay for the treatment; None when all can."""
        for budget, units in treatment.costs:
            if self._closed and budget not in self.consulted:
                continue
            left = self._left(budget)
            if left < units:
                unit = self._plan.budgets[budget].unit
                return budget, f"{left} {unit} free here, {units} needed"
        return None

    def take(self, treatment: Treatment) -> tuple[tuple[str, int, str, str], ...]:
        """Hold the treatment's units; returns them as (budget id, units, period key, spend_on)."""
        if not treatment.costs:
            return ()
        held: list[tuple[str, int, str, str]] = []
        for budget, units in treatment.costs:
            self._taken[budget] = self._taken.get(budget, 0) + units
            held.append((budget, units, self._moment.period(budget), self._plan.budgets[budget].spend_on))
        self._pays = None
        return tuple(held)

    @property
    def pays_all(self) -> bool:
        """Every treatment of this decision can be paid, alone: then none lacks anything."""
        if self._pays is None:
            self._pays = self._can_pay()
        return self._pays

    def _can_pay(self) -> bool:
        for one in self._wanted:
            for budget, units in one:
                if self._left(budget) < units:
                    return False
        return True

    def _left(self, budget: str) -> int:
        free = self.consulted.get(budget)
        if free is None:
            free = self.consulted[budget] = self._free(budget, self._moment.period(budget))
        return free - self._taken.get(budget, 0)
