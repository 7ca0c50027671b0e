"""What the clock alone says under a plan at one instant: worked out once for all decisions of a turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.arbitration.gates import is_quiet
from models.budgets.periods import period_key

if TYPE_CHECKING:
    from models.arbitration.index import PlanIndex


class Moment:
    __slots__ = ("_periods", "_plan", "era", "now_ms", "quiet")

    def __init__(self, index: PlanIndex, now_ms: int) -> None:
        plan = self._plan = index.plan
        self.now_ms = now_ms
        #: See ``PlanIndex.era``.
        self.era = index.era(now_ms)
        #: Ids of the channels that are within their quiet hours.
        self.quiet = frozenset(channel.id for channel in plan.channels.values() if is_quiet(channel, plan, now_ms))
        self._periods: dict[str, str] = {}

    def period(self, budget: str) -> str:
        """The key of the budget's present period."""
        key = self._periods.get(budget)
        if key is None:
            plan = self._plan
            key = self._periods[budget] = period_key(plan.budgets[budget].period, self.now_ms, plan.zone)
        return key


def moment_of(index: PlanIndex, now_ms: int) -> Moment:
    """The moment of a turn; the last one is kept with the index."""
    known = index.moment
    if known is None or known.now_ms != now_ms:
        known = index.moment = Moment(index, now_ms)
    return known
