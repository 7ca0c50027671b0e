"""A shard's side of the escrow: units granted by the coordinator, held and spent locally, never more than granted.

Per budget and period, cumulative integer totals: ``free = granted - returned - spent - held`` is never negative.
There are no time leases: what was granted stays until it is spent or given back. The turn logs every change before it
counts (``Granted``, ``Returned``, the deltas of a segment's public part), so a replay ends with the same totals.
Only what a shard *would like* (the level of its last refill, a decision that went without) is not logged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models import limits
from models.budgets.periods import end_of_key, period_bounds, period_key
from models.canonical import pack, unpack
from models.catalog.plan import Plan
from models.coordination.messages import Position, Want
from models.errors import InvariantBroken

Key = tuple[str, str]


@dataclass(slots=True)
class Purse:
    """One (budget, period): see ``messages.Position`` for the totals."""

    granted: int = 0
    returned: int = 0
    spent: int = 0
    held: int = 0
    unfunded: int = 0
    #: Free units right after the last refill: below half of it, more is asked for.
    level: int = 0
    #: Units that a decision needed and did not find; 0 once they, or what there is, have come.
    missed: int = 0

    @property
    def free(self) -> int:
        return self.granted - self.returned - self.spent - self.held


class Escrow:
    def __init__(self) -> None:
        self._purses: dict[Key, Purse] = {}
        #: Budget -> newest period key that was dropped; a grant of it or of an older one of its kind comes too late.
        self._dropped: dict[str, str] = {}

    def free(self, budget: str, period: str) -> int:
        """Units that a decision may hold now; 0 for a period without grants."""
        purse = self._purses.get((budget, period))
        return purse.free if purse is not None else 0

    def apply_delta(self, budget: str, period: str, d_held: int, d_spent: int, d_unfunded: int) -> None:
        """Fold in what a committed turn did. Parts of one turn may pass through less than 0 free; ``validate``
        judges the whole."""
        purse = self._purse(budget, period)
        purse.held += d_held
        purse.spent += d_spent
        purse.unfunded += d_unfunded

    def grant(self, budget: str, period: str, total: int) -> None:
        """``total`` units were ever granted: a repeated or overtaken total changes nothing."""
        if self._is_dropped(budget, period):
            return
        purse = self._purse(budget, period)
        if total <= purse.granted:
            return
        purse.granted = total
        purse.level = purse.free
        purse.missed = 0

    def returned(self, budget: str, period: str, total: int) -> None:
        """Fold in a logged total of returned units; a repeat changes nothing."""
        purse = self._purse(budget, period)
        purse.returned = max(purse.returned, total)
        purse.level = min(purse.level, max(0, purse.free))

    def returnable(self, budget: str, period: str, total: int) -> int:
        """The total of returned units to log for a recall up to ``total``: as far as units are free."""
        purse = self._purses.get((budget, period))
        if purse is None:
            return 0
        return purse.returned + max(0, min(total - purse.returned, purse.free))

    def missed(self, budget: str, period: str, units: int) -> None:
        """A decision needed ``units`` and went without: ask urgently, so that the next one may have them."""
        if self._is_dropped(budget, period):
            return
        purse = self._purse(budget, period)
        purse.missed = max(purse.missed, units)

    def wants(self, plan: Plan, now_ms: int) -> list[Want]:
        """What to ask the coordinator for, and forget ended periods in which nothing is held.

        A budget is asked for when it is below half of the last refill, below what one decision needs, or was missed;
        the next period's share ahead of its begin. Where a decision went without, as much as there is: the coordinator
        gives no more than a fair share of it, and after a raised cap nobody else need go without.
        """
        self._forget(plan, now_ms)
        units = units_per_decision(plan)
        wanted = []
        for budget, period, begun in wanted_periods(plan, now_ms):
            purse = self._purses.get((budget, period), Purse())
            unit = units.get(budget, 1)
            if purse.missed and purse.free >= purse.missed:
                purse.missed = 0
            if purse.missed:
                wanted.append(Want(budget, period, limits.BUDGET_CAP_MAX, purse.missed, True))
            elif purse.free < unit or (begun and 2 * purse.free < purse.level):
                wanted.append(Want(budget, period, max(unit, 2 * purse.level), unit, False))
        return wanted

    def positions(self) -> tuple[Position, ...]:
        """The totals of every budget and period that is not forgotten, for a report."""
        return tuple(
            Position(*key, p.granted, p.returned, p.spent, p.held, p.unfunded) for key, p in self._purses.items()
        )

    def pack(self) -> bytes:
        """The logged totals (levels and misses are not part of the state)."""
        return pack([[p.to_wire() for p in self.positions()], self._dropped])

    @classmethod
    def unpack(cls, data: bytes) -> Escrow:
        escrow = cls()
        wires, escrow._dropped = unpack(data)
        for budget, period, *totals in wires:
            purse = Purse(*totals)
            purse.level = purse.free
            escrow._purses[budget, period] = purse
        return escrow

    def validate(self) -> None:
        """Raises ``InvariantBroken`` when more is held and spent than was granted."""
        for (budget, period), purse in self._purses.items():
            totals: Mapping[str, Any] = {
                "granted": purse.granted, "returned": purse.returned, "spent": purse.spent, "held": purse.held,
                "unfunded": purse.unfunded, "free": purse.free,
            }
            if any(value < 0 for value in totals.values()):
                raise InvariantBroken(f"budget {budget!r} {period!r} at this shard: {totals}")

    def _purse(self, budget: str, period: str) -> Purse:
        return self._purses.setdefault((budget, period), Purse())

    def _is_dropped(self, budget: str, period: str) -> bool:
        newest = self._dropped.get(_lineage(budget, period))
        return newest is not None and period <= newest

    def _forget(self, plan: Plan, now_ms: int) -> None:
        for (budget, period), purse in list(self._purses.items()):
            end_ms = end_of_key(period, plan.zone)
            if end_ms is not None and end_ms + limits.ESCROW_KEPT_MS <= now_ms and not purse.held:
                del self._purses[budget, period]
                lineage = _lineage(budget, period)
                self._dropped[lineage] = max(period, self._dropped.get(lineage, period))


def units_per_decision(plan: Plan) -> dict[str, int]:
    """Budget -> the most units that one item of a decision needs of it."""
    return {budget: sizes[0] for budget, sizes in sizes_per_budget(plan).items()}


def sizes_per_budget(plan: Plan) -> dict[str, tuple[int, ...]]:
    """Budget -> the different amounts that single uses need of it, the largest first."""
    sizes: dict[str, set[int]] = {}
    for action in plan.actions:
        for treatment in action.treatments:
            for use in treatment.budgets:
                sizes.setdefault(use.id, set()).add(use.units)
    return {budget: tuple(sorted(units, reverse=True)) for budget, units in sizes.items()}


def wanted_periods(plan: Plan, now_ms: int) -> Iterable[tuple[str, str, bool]]:
    """(budget, period, has begun) of every budget: the period at ``now_ms`` and, when that ends soon, the next."""
    for budget in plan.budgets.values():
        yield budget.id, period_key(budget.period, now_ms, plan.zone), True
        if budget.period:
            start_ms, end_ms = period_bounds(budget.period, now_ms, plan.zone)
            ahead_ms = max(limits.NEXT_PERIOD_AHEAD_MS, (end_ms - start_ms) // 10)
            if end_ms - now_ms <= ahead_ms:
                yield budget.id, period_key(budget.period, end_ms, plan.zone), False


def _lineage(budget: str, period: str) -> str:
    """Periods are ordered within one budget and kind of period only."""
    return f"{budget}\x1f{period.partition(':')[0]}"
