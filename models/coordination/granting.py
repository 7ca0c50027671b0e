"""Grants and recalls for the shards' budgets, and the settling of what they report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from models import limits
from models.budgets.escrow import wanted_periods
from models.budgets.grants import Account, Need, Relief, grant_units, relieve
from models.budgets.periods import end_of_key
from models.catalog.plan import Plan
from models.coordination.facts import AccountClosed, Fact, GrantMade, ReturnCredited, UseReported
from models.coordination.live import AccountKey, LiveShard
from models.coordination.messages import Granted, Position, Recall
from models.coordination.state import CoordinatorState


@dataclass(frozen=True, slots=True)
class Round:
    """One look at all budgets: state, last reports, and the two clocks (decisions' and real)."""

    state: CoordinatorState
    live: Mapping[int, LiveShard]
    plan: Plan
    #: Budget -> the amounts that single uses need, the largest first (``escrow.sizes_per_budget``).
    sizes: Mapping[str, tuple[int, ...]]
    #: How many shards the installation has.
    shards: int
    decision_ms: int
    now_ms: int

    def current_keys(self) -> Iterator[AccountKey]:
        """The budgets of the catalog in the current period and, when that ends soon, the next."""
        for budget, period, _ in wanted_periods(self.plan, self.decision_ms):
            yield budget, period

    def cap(self, budget: str) -> int:
        """0 for a budget that left the catalog: nothing is granted, everything idle is recalled."""
        return self.state.caps.get(budget, 0) if budget in self.plan.budgets else 0

    def sizes_up_to(self, budget: str, unit: int) -> tuple[int, ...]:
        return (unit, *(size for size in self.sizes.get(budget, ()) if size < unit))

    def unit(self, budget: str) -> int:
        return self.sizes.get(budget, (1,))[0]

    def relief(self, key: AccountKey) -> Relief:
        account, cap = self.state.account(*key), self.cap(key[0])
        over = account.outstanding > cap
        donors = [
            live.shard for live in self.live.values()
            if live.is_fresh(self.now_ms) and (over or not live.is_cooling(key, self.now_ms))
        ]
        return relieve(account, cap, self._needs(key, account), donors, self.shards)

    def urgent(self, key: AccountKey) -> bool:
        return any(key in live.urgent_since_ms for live in self.live.values())

    def _needs(self, key: AccountKey, account: Account) -> list[Need]:
        """The shards that ask: first those where a decision went without, the longest waiting first, then dry ones."""
        asking = [live for live in self.live.values() if key in live.wants and live.is_fresh(self.now_ms)]
        asking.sort(key=lambda s: (key not in s.urgent_since_ms, s.urgent_since_ms.get(key, 0), s.shard))
        needs = []
        for live in asking:
            want = live.wants[key]
            if want.urgent:
                needs.append(Need(live.shard, self.sizes_up_to(key[0], want.unit), want.units, True))
            elif account.idle(live.shard) < want.unit:
                needs.append(Need(live.shard, (want.unit,), want.units, False))
        return needs


def settle(round_: Round, shard: int, positions: Iterable[Position], fresh: bool) -> Iterator[Fact]:
    """What a shard's report says about its accounts: returns to credit, use to note. ``fresh``: no newer report came
    before it."""
    for position in positions:
        account = round_.state.accounts.get((position.budget, position.period))
        if account is None and (position.granted == 0 or _has_ended(round_, position.period)):
            continue
        account = account or Account()
        names = (shard, position.budget, position.period)
        if position.granted > account.granted.get(shard, 0):
            # Only a coordinator that lost its journal can meet this: what a shard was granted stays granted.
            yield GrantMade(*names, position.granted)
        if position.returned > account.returned.get(shard, 0):
            yield ReturnCredited(*names, position.returned)
        used = (position.spent, position.held, position.unfunded)
        noted = tuple(of.get(shard, 0) for of in (account.spent, account.held, account.unfunded))
        if fresh and used != noted:
            yield UseReported(*names, *used)


def close_ended(round_: Round) -> Iterator[Fact]:
    """Forget accounts of periods that ended long ago, once nobody holds anything in them."""
    for (budget, period), account in round_.state.accounts.items():
        end_ms = end_of_key(period, round_.plan.zone)
        ended = end_ms is not None and end_ms + 2 * limits.ESCROW_KEPT_MS <= round_.decision_ms
        if ended and not any(account.held.values()):
            yield AccountClosed(budget, period)


def grant(round_: Round, live: LiveShard, emit: Callable[[Fact], None]) -> None:
    """Decide the grants of one shard: its first of each budget and period, then what it asks for."""
    for key in round_.current_keys():
        account = round_.state.account(*key)
        total = account.granted.get(live.shard, 0)
        if live.granted(key) < total:
            continue  # An earlier grant has not arrived yet: repeat that one first.
        units = _units_to_grant(round_, live, key, account)
        if units:
            emit(GrantMade(live.shard, *key, total + units))
            live.granted_ms[key] = round_.now_ms
            live.wants.pop(key, None)
            live.urgent_since_ms.pop(key, None)


def _units_to_grant(round_: Round, live: LiveShard, key: AccountKey, account: Account) -> int:
    want = live.wants.get(key)
    first = live.shard not in account.granted
    if not first and want is None:
        return 0
    unit = want.unit if want is not None else round_.unit(key[0])
    reserved = round_.relief(key).reserved
    pool = round_.cap(key[0]) - account.outstanding
    pool -= sum(units for shard, units in reserved.items() if shard != live.shard)
    asked = pool if first or want is None else want.units
    units = max(grant_units(asked, pool, unit, round_.shards), min(pool, reserved.get(live.shard, 0)))
    least = round_.sizes_up_to(key[0], unit)[-1] if want is not None and want.urgent else unit
    return units if account.idle(live.shard) + units >= least else 0


def totals_for(round_: Round, live: LiveShard) -> tuple[Granted, ...]:
    """Grants that the shard has not logged yet."""
    totals = ((key, round_.state.account(*key).granted.get(live.shard, 0)) for key in round_.current_keys())
    return tuple(Granted(*key, total) for key, total in totals if total > live.granted(key))


def recalls_for(round_: Round, shard: int) -> tuple[Recall, ...]:
    """What the shard should give back, as totals."""
    recalls = []
    for key in _recallable(round_):
        units = round_.relief(key).recalls.get(shard, 0)
        if units:
            recalls.append(Recall(*key, round_.state.account(*key).returned.get(shard, 0) + units))
    return tuple(recalls)


def to_poke(round_: Round) -> frozenset[int]:
    """Shards on which a decision elsewhere waits: they are asked to give back, or their units have arrived."""
    waiting: set[int] = set()
    for key in round_.current_keys():
        if round_.urgent(key):
            relief = round_.relief(key)
            waiting.update(relief.recalls)
            waiting.update(shard for shard, units in relief.reserved.items() if units)
    return frozenset(waiting)


def has_first_grants(round_: Round, live: LiveShard) -> bool:
    """The shard has logged its share of every current period, as far as there is anything to share."""
    for key in round_.current_keys():
        account = round_.state.account(*key)
        if live.shard in account.granted:
            if live.granted(key) < account.granted[live.shard]:
                return False
        elif round_.cap(key[0]) - account.outstanding >= round_.unit(key[0]):
            return False
    return True


def _recallable(round_: Round) -> Iterator[AccountKey]:
    yield from round_.current_keys()
    for budget, period in round_.state.accounts:
        if budget not in round_.plan.budgets and not _has_ended(round_, period):
            yield budget, period


def _has_ended(round_: Round, period: str) -> bool:
    end_ms = end_of_key(period, round_.plan.zone)
    return end_ms is not None and end_ms <= round_.decision_ms
