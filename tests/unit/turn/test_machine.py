"""Any order of commands, times, crashes and repetitions: the promises hold after every step."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from simulation.catalog import CHANNELS, CUSTOMERS, other_plan, plan
from simulation.oracle import check_budgets, check_journal
from simulation.workload import command_of, decision_body
from simulation.world import World

from models import limits
from models.turn.commands import ATTRIBUTES, CONSENT, DECISION, ERASE, EVENT, EXPLAIN, OUTCOME, PROFILE, TICK, Command
from models.turn.shard_facts import CatalogAdopted

customers = st.sampled_from(CUSTOMERS)
channels = st.sampled_from(sorted(CHANNELS))
outcome_types = st.sampled_from(["impression", "not_shown", "click", "accept", "convert", "reject"])
faults = st.sampled_from(["", "", "refuse", "torn", "unacknowledged"])


class ShardMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.world = World(0)
        self.sent: list[Command] = []
        self.waiting: list[Command] = []
        self.count = 0

    def _put(self, command: Command) -> None:
        self.waiting.append(command)
        self.sent.append(command)

    def _id(self) -> str:
        self.count += 1
        return f"i{self.count}"

    @rule(customer=customers, channel=channels, explain=st.booleans(), nested=st.booleans(), count=st.integers(1, 2))
    def decide(self, customer: str, channel: str, explain: bool, nested: bool, count: int) -> None:
        asked = [(p, count if p in ("strip", "script") else 1) for p in CHANNELS[channel]]
        body = decision_body(self._id(), customer, channel, asked, explain=explain)
        if nested:
            body["event"] = {
                "event_id": self._id(), "type": "basket", "time_ms": None, "channel": channel,
                "properties": {"total": 60.0},
            }
        self._put(command_of(DECISION, customer, body))

    @rule(customer=customers, late_ms=st.sampled_from([0, 5_000, limits.HOUR_MS, 8 * limits.DAY_MS, -400_000]))
    def event(self, customer: str, late_ms: int) -> None:
        body = {
            "event_id": self._id(), "customer_id": customer, "type": "basket",
            "time_ms": self.world.shard.wall_ms - late_ms, "channel": "desk", "properties": {"total": 20.0},
        }
        self._put(command_of(EVENT, customer, body))

    @rule(kind=outcome_types, back=st.integers(0, 5), late_ms=st.sampled_from([0, 60_000, limits.HOUR_MS]))
    def outcome(self, kind: str, back: int, late_ms: int) -> None:
        chosen = self.world.workload.chosen
        if chosen:
            decision_id, action, customer = chosen[max(0, len(chosen) - 1 - back)]
            body = {
                "outcome_id": self._id(), "decision_id": decision_id, "customer_id": None, "action": action,
                "type": kind, "time_ms": self.world.shard.wall_ms - late_ms, "value": None,
            }
            self._put(command_of(OUTCOME, customer, body))

    @rule(customer=customers, given=st.booleans())
    def consent(self, customer: str, given: bool) -> None:
        self._put(command_of(CONSENT, customer, {"marketing": given}))

    @rule(customer=customers, staff=st.sampled_from([True, False, None]))
    def attributes(self, customer: str, staff: bool | None) -> None:
        self._put(command_of(ATTRIBUTES, customer, {"staff": staff}))

    @rule(customer=customers)
    def erase(self, customer: str) -> None:
        self._put(command_of(ERASE, customer, {}))

    @rule(back=st.integers(0, 20))
    def repeat(self, back: int) -> None:
        if self.sent:
            self.waiting.append(self.sent[max(0, len(self.sent) - 1 - back)])

    @rule(fault=faults, backwards=st.booleans())
    def turn(self, fault: str, backwards: bool) -> None:
        """Everything that waits in one turn; perhaps the disk fails, perhaps the order is the other one."""
        commands = self.waiting[::-1] if backwards else self.waiting
        if fault == "unacknowledged":
            commands = [command for command in commands if command.kind != ERASE]
        self.world.send(commands, fault)
        self.waiting = []

    @rule(ms=st.sampled_from([1, 60_000, 600_000, 900_000, limits.HOUR_MS, 3 * limits.HOUR_MS, limits.DAY_MS]))
    def pass_time(self, ms: int) -> None:
        self.world.shard.wall_ms += ms
        self.world.grant()

    @rule()
    def restart(self) -> None:
        before = self.world.image()
        self.world.shard.start()
        assert self.world.image() == before

    @rule()
    def checkpoint(self) -> None:
        self.world.shard.save_checkpoint()

    @rule()
    def publish(self) -> None:
        other = self.world.shard.core.state.catalog_version == plan().version
        later = other_plan() if other else plan()
        self.world.shard.adopt([CatalogAdopted(later.version, dict(later.catalog))])
        self.world.adopt_evidence()

    @rule(customer=customers, channel=channels, kind=st.sampled_from([EXPLAIN, DECISION, PROFILE]))
    def look(self, customer: str, channel: str, kind: str) -> None:
        """A dry run, an explanation or a read leaves no trace."""
        body: dict[str, Any] = {}
        if kind != PROFILE:
            body = decision_body(self._id(), customer, channel, [(CHANNELS[channel][0], 1)], dry_run=True)
        before, rows = self.world.image(), len(self.world.shard.disk.rows())
        self.world.send([command_of(kind, customer, body)])
        assert self.world.image() == before
        assert len(self.world.shard.disk.rows()) == rows

    @invariant()
    def state_is_sound(self) -> None:
        if hasattr(self, "world"):
            self.world.shard.validate()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.finish()
        self.world.shard.wall_ms += 2 * limits.DAY_MS
        self.world.send([command_of(TICK, customer, {}) for customer in CUSTOMERS])
        rows = self.world.shard.rows()
        check_journal(rows)
        assert all(held == 0 for held, _, _ in check_budgets(rows).values())


ShardMachine.TestCase.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow],
)
TestShardMachine = ShardMachine.TestCase
