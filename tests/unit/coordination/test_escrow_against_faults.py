"""Coordinator and shards under lost, repeated and overtaken messages, crashes on either side, cap cuts and new days."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from unit.coordination import shop
from unit.coordination.shop import NOON_MS, SHARDS, EscrowShard

from models import limits
from models.budgets.periods import period_key
from models.coordination.commands import SetCap, Sync
from models.coordination.facts import Fact
from models.coordination.messages import Instructions

_SHARD = st.integers(0, SHARDS - 1)
_USES = st.sampled_from([("pool", 1), ("lumps", 5), ("lumps", 2), ("daily", 3)])
_PERIODS = {"pool": "", "lumps": "", "daily": "day"}


class EscrowUnderFaults(RuleBasedStateMachine):
    reports = Bundle("reports")
    answers = Bundle("answers")

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = NOON_MS
        self.core = shop.coordinator()
        self.facts: list[Fact] = []
        self.core = shop.replayed(self._published())
        self.shards = [EscrowShard(shard, shop.plan()) for shard in range(SHARDS)]
        #: (budget, period) -> the most that may ever have been granted at once since the last cut.
        self.bounds: dict[tuple[str, str], int] = {}

    def _published(self) -> list[Fact]:
        core = shop.CoordinatorCore(SHARDS, shop.compile_once)
        self.facts.extend(core.handle(shop.PublishCatalog(shop.plan()), NOON_MS).facts)
        return self.facts

    def _period(self, budget: str) -> str:
        return period_key(_PERIODS[budget], self.now_ms, shop.plan().zone)

    @rule(target=reports, shard=_SHARD)
    def report(self, shard: int) -> object:
        return self.shards[shard].report(self.now_ms)

    @rule(target=answers, report=reports)
    def deliver_report_and_keep_it_for_a_repeat(self, report: shop.Report) -> object:
        return self._deliver(report)

    @rule(target=answers, report=consumes(reports))
    def deliver_report(self, report: shop.Report) -> object:
        return self._deliver(report)

    def _deliver(self, report: shop.Report) -> object:
        is_old = report.epoch < self.core.state.epochs.get(report.shard, 0)
        handled = self.core.handle(Sync(report), self.now_ms)
        self.facts.extend(handled.facts)
        assert isinstance(handled.reply, Instructions)
        assert bool(handled.reply.refused) == is_old
        if is_old:
            return multiple()
        return (report.shard, handled.reply)

    @rule(answer=consumes(answers))
    def deliver_answer(self, answer: tuple[int, Instructions]) -> None:
        self.shards[answer[0]].follow(answer[1])

    @rule(answer=answers)
    def deliver_answer_and_keep_it_for_a_repeat(self, answer: tuple[int, Instructions]) -> None:
        self.shards[answer[0]].follow(answer[1])

    @rule(report=consumes(reports))
    def lose_report(self, report: object) -> None:
        """It never arrives."""

    @rule(shard=_SHARD, use=_USES, times=st.integers(1, 8))
    def hold(self, shard: int, use: tuple[str, int], times: int) -> None:
        budget, units = use
        for _ in range(times):
            self._hold(self.shards[shard], budget, units)

    def _hold(self, shard: EscrowShard, budget: str, units: int) -> None:
        period = self._period(budget)
        if shard.escrow.free(budget, period) >= units:
            shard.use(budget, period, held=units)
        else:
            shard.escrow.missed(budget, period, units)

    @rule(shard=_SHARD, use=_USES)
    def hoard(self, shard: int, use: tuple[str, int]) -> None:
        """A shard takes all that there is, and frees it again: idle, but with that shard alone."""
        hoarder, (budget, units) = self.shards[shard], use
        period = self._period(budget)
        for _ in range(20):
            self._hold(hoarder, budget, units)
            self._exchange()
        held = sum(p.held for p in hoarder.escrow.positions() if (p.budget, p.period) == (budget, period))
        if held:
            hoarder.use(budget, period, held=-held)

    @rule()
    def exchange(self) -> None:
        self._exchange()

    @rule(shard=_SHARD, spend=st.booleans())
    def end_a_hold(self, shard: int, spend: bool) -> None:
        held = [p for p in self.shards[shard].escrow.positions() if p.held]
        for position in held:
            spent = position.held if spend else 0
            self.shards[shard].use(position.budget, position.period, held=-position.held, spent=spent)

    @rule(budget=st.sampled_from(["pool", "lumps", "daily"]), cap=st.integers(0, 60))
    def set_cap(self, budget: str, cap: int) -> None:
        self.facts.extend(self.core.handle(SetCap(budget, cap), self.now_ms).facts)

    @rule(passed_ms=st.sampled_from([200, 2_000, limits.HOUR_MS, limits.DAY_MS]))
    def time_passes(self, passed_ms: int) -> None:
        self.now_ms += passed_ms

    @rule(shard=_SHARD)
    def crash_a_shard(self, shard: int) -> None:
        self.shards[shard].crash()

    @rule(report=consumes(reports), durable=st.booleans())
    def crash_the_coordinator_in_a_report(self, report: shop.Report, durable: bool) -> None:
        handled = self.core.handle(Sync(report), self.now_ms)
        if durable:
            self.facts.extend(handled.facts)
        self.core = shop.replayed(self.facts)

    @rule()
    def restart_from_a_checkpoint(self) -> None:
        packed = self.core.pack_state()
        self.core = shop.replayed([])
        self.core.load_state(packed)
        assert self.core.pack_state() == packed

    @invariant()
    def nothing_is_granted_beyond_the_cap(self) -> None:
        for key, account in self.core.state.accounts.items():
            allowed = max(self.core.state.caps[key[0]], self.bounds.get(key, 0))
            assert account.outstanding <= allowed, f"{key}: {account.outstanding} outstanding, {allowed} allowed"
            self.bounds[key] = account.outstanding

    @invariant()
    def shards_use_only_what_the_coordinator_granted(self) -> None:
        for shard in self.shards:
            shard.escrow.validate()
            for position in shard.escrow.positions():
                account = self.core.state.accounts.get((position.budget, position.period))
                if account is None:
                    continue
                assert position.granted <= account.granted.get(shard.shard, 0)
                assert position.returned >= account.returned.get(shard.shard, 0)

    def teardown(self) -> None:
        """Undisturbed, any one shard wins what one decision needs within 5 s, if it is free anywhere."""
        for budget, units in (("pool", 1), ("lumps", 5), ("lumps", 2), ("daily", 3)):
            for _ in range(3):
                self._exchange()
            self._win(self.shards[0], budget, units)

    def _exchange(self) -> None:
        self.now_ms += limits.SYNC_INTERVAL_MS
        for shard in self.shards:
            self.facts.extend(shard.sync(self.core, self.now_ms).facts)
            self.nothing_is_granted_beyond_the_cap()

    def _win(self, shard: EscrowShard, budget: str, units: int) -> None:
        period = self._period(budget)
        positions = [p for s in self.shards for p in s.escrow.positions() if (p.budget, p.period) == (budget, period)]
        free = self.core.state.caps[budget] - sum(p.spent + p.held for p in positions)
        for waited_ms in range(0, 5_000, limits.SYNC_INTERVAL_MS):
            if shard.escrow.free(budget, period) >= units:
                return
            if free >= units or waited_ms == 0:
                shard.escrow.missed(budget, period, units)
            self._exchange()
        assert free < units or shard.escrow.free(budget, period) >= units, f"{units} of {free} free {budget} not won"


EscrowUnderFaults.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestEscrowUnderFaults = EscrowUnderFaults.TestCase
