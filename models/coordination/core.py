"""The coordinator's state machine: commands in, facts and a reply out. No thread, no network, no clock of its own.

    handled = core.handle(command, now_ms)
    # the actor appends handled.facts as one row, and only then lets handled.reply leave

``handle`` folds its facts into the state at once. An append that fails therefore ends the process: a successor
replays what is durable (``CoordinatorCore.replay``), and shards repeat whatever was not answered. ``now_ms`` is real
time; under a manual clock periods follow that one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from models import limits
from models.budgets.escrow import sizes_per_budget
from models.catalog.plan import Plan
from models.coordination import granting, role_commands, views
from models.coordination.commands import (
    Answer,
    Command,
    Handled,
    Instruct,
    PublishCatalog,
    RegisterScorer,
    RoleCommand,
    RollBackScorer,
    SetCap,
    SetClock,
    Sync,
)
from models.coordination.facts import (
    CapSet,
    CatalogPublished,
    ClockSet,
    ExperimentsCounted,
    Fact,
    RolesChanged,
    ScorerRegistered,
    ShardSeen,
)
from models.coordination.gathering import EvidenceGathering
from models.coordination.live import LiveShard
from models.coordination.messages import CatalogNews, EvidenceNews, Instructions, Report
from models.coordination.rolebook import RoleBook
from models.coordination.state import CoordinatorState, apply, catalog_caps, pack_state, unpack_state
from models.times import format_time
from models.turn.commands import problem

Compile = Callable[[Mapping[str, Any]], Plan]


class CoordinatorCore:
    def __init__(self, shards: int, compile_catalog: Compile, *, manual_clock: bool = False, epoch: int = 0) -> None:
        self.state = CoordinatorState()
        self.live: dict[int, LiveShard] = {}
        self.shards = shards
        self.epoch = epoch
        self.manual_clock = manual_clock
        self._compile = compile_catalog
        self._plan: Plan | None = None
        self._sizes: dict[str, tuple[int, ...]] = {}
        self._evidence = EvidenceGathering()
        self._facts: list[Fact] = []

    @property
    def plan(self) -> Plan | None:
        """The live catalog, compiled when it is first read; None before the first publication."""
        version = self.state.catalog_version
        if version and (self._plan is None or self._plan.version != version):
            self._use(self._compile(self.state.catalog))
        return self._plan

    def _use(self, plan: Plan) -> None:
        self._plan, self._sizes = plan, sizes_per_budget(plan)

    def replay(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            apply(self.state, fact)

    def pack_state(self) -> bytes:
        return pack_state(self.state)

    def load_state(self, data: bytes) -> None:
        self.state = unpack_state(data)

    def handle(self, command: Command, now_ms: int) -> Handled:
        """Do what is asked; see ``Handled``. Raises ``InvariantBroken`` when the state contradicts itself."""
        self._facts = []
        poke: frozenset[int] = frozenset()
        reply: Answer | Instructions
        match command:
            case Sync():
                reply = self._sync(command.report, now_ms)
                poke = self._to_poke(now_ms) - {command.report.shard}
            case Instruct():
                reply = self._instructions(self.live[command.shard], now_ms)
            case PublishCatalog():
                reply, poke = self._publish(command, now_ms), frozenset(self.live)
            case SetCap():
                reply, poke = self._set_cap(command), frozenset(self.live)
            case RegisterScorer():
                reply = self._register(command, now_ms)
            case SetClock():
                reply = self._set_clock(command)
            case _:
                reply, poke = self._change_roles(command, now_ms), frozenset(self.live)
        self.state.validate()
        return Handled(tuple(self._facts), reply, poke)

    def budgets(self, now_ms: int) -> dict[str, Any]:
        round_ = self.round(now_ms)
        return views.budgets_view(round_) if round_ is not None else {"budgets": []}

    def status(self, now_ms: int) -> dict[str, Any]:
        return views.status_view(self.state, self.live, self.round(now_ms), now_ms)

    def round(self, now_ms: int) -> granting.Round | None:
        """A look at all budgets now; None before the first catalog."""
        plan = self.plan
        if plan is None:
            return None
        return granting.Round(
            self.state, self.live, plan, self._sizes, self.shards, self.decision_ms(now_ms), now_ms
        )

    def decision_ms(self, now_ms: int) -> int:
        return self.state.clock_ms if self.manual_clock else now_ms

    def laggards(self, now_ms: int) -> list[int]:
        """Live shards that have not adopted the live catalog and the roles of scorers yet."""
        adopted = (self.state.catalog_version, self.state.roles.number)
        return [
            live.shard for live in self.live.values()
            if live.is_live(now_ms) and (live.catalog_version, live.roles_number) != adopted
        ]

    def adopters(self) -> list[int]:
        """Shards that have adopted both by their last reports, live or not."""
        adopted = (self.state.catalog_version, self.state.roles.number)
        return sorted(s.shard for s in self.live.values() if (s.catalog_version, s.roles_number) == adopted)

    def behind_clock(self, now_ms: int) -> list[int]:
        """Live shards that do not stand at the manual clock yet, or lack first grants of its periods."""
        round_ = self.round(now_ms)
        return [
            live.shard for live in self.live.values() if live.is_live(now_ms) and (
                live.clock_ms < self.state.clock_ms
                or (round_ is not None and not granting.has_first_grants(round_, live))
            )
        ]

    def _emit(self, fact: Fact) -> None:
        apply(self.state, fact)
        self._facts.append(fact)

    def _sync(self, report: Report, now_ms: int) -> Instructions:
        known = self.state.epochs.get(report.shard, 0)
        if report.epoch < known:
            return Instructions(
                self.epoch, refused=f"epoch {report.epoch} of shard {report.shard} is fenced: {known} owns it now"
            )
        live = self.live.get(report.shard)
        if live is None or report.epoch > live.epoch:
            live = self.live[report.shard] = LiveShard(report.shard, report.epoch)
            self._evidence.forget_marks(report.shard)
        if report.epoch > known:
            self._emit(ShardSeen(report.shard, report.epoch))
        fresh = live.take(report, now_ms)
        round_ = self.round(now_ms)
        if round_ is not None:
            for fact in list(granting.settle(round_, report.shard, report.positions, fresh)):
                self._emit(fact)
            for fact in list(granting.close_ended(round_)):
                self._emit(fact)
        self._evidence.take(report, self.state.evidence, now_ms)
        published = self._evidence.due(self.state.evidence.version, now_ms)
        if published is not None:
            self._emit(published)
        counted = self.state.experiments.news(report.shard, report.experiments)
        if counted:
            self._emit(ExperimentsCounted(report.shard, counted))
        # What the report says of experiments is durable before this answer leaves.
        return self._instructions(live, now_ms, report.experiments_mark)

    def _instructions(self, live: LiveShard, now_ms: int, experiments_mark: int = 0) -> Instructions:
        """All that the shard has not adopted by its last report, with the grants that are due to it."""
        state = self.state
        round_ = self.round(now_ms)
        if round_ is not None:
            granting.grant(round_, live, self._emit)
        catalog = evidence = roles = None
        if live.catalog_version != state.catalog_version:
            catalog = CatalogNews(state.catalog_version, state.catalog)
        if live.evidence_version < state.evidence.version:
            evidence = EvidenceNews(state.evidence.version, state.evidence.changes_since(live.evidence_version))
        if live.roles_number < state.roles.number:
            roles = state.adopted_roles()
        return Instructions(
            self.epoch, "", catalog, evidence, roles,
            granting.totals_for(round_, live) if round_ is not None else (),
            granting.recalls_for(round_, live.shard) if round_ is not None else (),
            state.clock_ms if self.manual_clock else 0, self._evidence.counted_mark(live.shard),
            experiments_mark,
        )

    def _to_poke(self, now_ms: int) -> frozenset[int]:
        round_ = self.round(now_ms)
        return granting.to_poke(round_) if round_ is not None else frozenset()

    def _publish(self, command: PublishCatalog, now_ms: int) -> Answer:
        state = self.state
        if command.if_match is not None and command.if_match != state.catalog_version:
            return _refusal(
                409, "Another catalog is live",
                f"if-match names {command.if_match!r}, live is {state.catalog_version!r}; read, merge, publish again",
            )
        plan = command.plan
        refused = role_commands.unnameable(state, plan)
        if refused is not None:
            return refused
        if plan.version != state.catalog_version:
            before = state.catalog_caps
            self._use(plan)
            self._emit(CatalogPublished(plan.version, dict(plan.catalog)))
            for budget, cap in catalog_caps(state.catalog).items():
                if before.get(budget) != cap:
                    self._emit(CapSet(budget, cap))
            named = [version for _, version in role_commands.named_by(plan.catalog)]
            # A scorer that reads what the new catalog lacks cannot score: without a champion evidence decides.
            self._use_roles(state.roles.naming(named).without(role_commands.misfits(state, plan), now_ms))
        return Answer(200, {"catalog_version": plan.version, "scorer_note": state.scorer_note})

    def _use_roles(self, book: RoleBook) -> None:
        if book is not self.state.roles:
            self._emit(RolesChanged(book.to_wire()))

    def _set_cap(self, command: SetCap) -> Answer:
        plan = self.plan
        if plan is None or command.budget not in plan.budgets:
            known = ", ".join(plan.budgets) if plan is not None else "none, no catalog is published"
            return _refusal(404, "Unknown budget", f"the catalog has no budget {command.budget!r}; known: {known}")
        if not 0 <= command.cap <= limits.BUDGET_CAP_MAX:
            return _refusal(
                422, "Bad cap", f"a cap is a whole number of units from 0 to {limits.BUDGET_CAP_MAX}", ["cap"]
            )
        if self.state.caps.get(command.budget) != command.cap:
            self._emit(CapSet(command.budget, command.cap))
        return Answer(200, {"id": command.budget, "cap": command.cap})

    def _register(self, command: RegisterScorer, now_ms: int) -> Answer:
        if command.version not in self.state.scorers:
            self._emit(ScorerRegistered(command.version, command.manifest, now_ms))
        return Answer(200, {"version": command.version})

    def _change_roles(self, command: RoleCommand, now_ms: int) -> Answer:
        decided = role_commands.decide(self.state, self.plan, command, now_ms)
        if isinstance(decided, Answer):
            return decided
        self._use_roles(decided)
        version = self.state.champion if isinstance(command, RollBackScorer) else command.version
        return Answer(200, views.role_view(self.state, version))

    def _set_clock(self, command: SetClock) -> Answer:
        if not self.manual_clock:
            return _refusal(409, "The clock is not manual", "start with --clock manual:TIME to set it")
        if command.clock_ms < self.state.clock_ms:
            stands = format_time(self.state.clock_ms)
            return _refusal(422, "The clock goes forward only", f"it stands at {stands}; name a later time", ["time"])
        if command.clock_ms > self.state.clock_ms:
            self._emit(ClockSet(command.clock_ms))
        return Answer(200, {"time": format_time(self.state.clock_ms)})


def _refusal(status: int, title: str, detail: str, loc: list[str] | None = None) -> Answer:
    errors = [{"loc": loc, "msg": detail}] if loc is not None else None
    return Answer(status, problem(status, title, detail, errors=errors))
