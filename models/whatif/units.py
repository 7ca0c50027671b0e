"""Which budget units a decision under the candidate may take: what its publication would leave of them.

A budget that the candidate leaves as it is has the units that are free at the customer's shard, as the live decision
has. One that it brings, or counts in another unit or another period, has its cap. One whose cap it changes has that cap
less what is spent or held, wherever the units lie: so many could be gathered at the shard within seconds.
"""

from __future__ import annotations

from collections.abc import Mapping

from models.budgets.periods import period_key
from models.catalog.plan import Budget, Plan
from models.immutable import immutable

#: (budget id, period key) -> units.
Units = Mapping[tuple[str, str], int]


@immutable
class Account:
    """What became of a budget in its present period, everywhere."""

    cap: int
    #: Units that are spent or held.
    used: int


def units_under(
    live: Plan, candidate: Plan, free: Units, accounts: Mapping[str, Account], now_ms: int,
) -> dict[tuple[str, str], int]:
    """Units per budget of the candidate in the period that holds ``now_ms``. ``free``: those at the shard under the
    live catalog; ``accounts``: by budget id."""
    return {
        (budget.id, _period(budget, candidate, now_ms)): _units(budget, live, candidate, free, accounts, now_ms)
        for budget in candidate.budgets.values()
    }


def is_new(budget: Budget, live: Plan, candidate: Plan, now_ms: int) -> bool:
    """Nothing of it was spent or held before the candidate."""
    old = live.budgets.get(budget.id)
    return old is None or old.unit != budget.unit or _period(old, live, now_ms) != _period(budget, candidate, now_ms)


def _units(
    budget: Budget, live: Plan, candidate: Plan, free: Units, accounts: Mapping[str, Account], now_ms: int,
) -> int:
    if is_new(budget, live, candidate, now_ms):
        return budget.cap
    here = free.get((budget.id, _period(budget, candidate, now_ms)), 0)
    before = live.budgets[budget.id].cap
    account = accounts.get(budget.id)
    if budget.cap == before or account is None:
        return here
    left = max(0, budget.cap - account.used)
    return max(here, left) if budget.cap > account.cap else min(here, left)


def _period(budget: Budget, plan: Plan, now_ms: int) -> str:
    return period_key(budget.period, now_ms, plan.zone)
