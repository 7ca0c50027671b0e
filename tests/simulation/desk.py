"""Short words for tests: one customer at one shard."""

from __future__ import annotations

from typing import Any

from simulation.catalog import CUSTOMERS, plan
from simulation.disk import SimulatedDisk
from simulation.oracle import check_budgets, check_journal
from simulation.shard import Scorer, SimulatedShard, key_of, no_scorer
from simulation.workload import command_of, decision_body

from models import canonical
from models.budgets.periods import period_key
from models.profile import packing
from models.profile.facts import Fact
from models.profile.state import Profile
from models.turn.commands import ATTRIBUTES, CONSENT, DECISION, ERASE, EVENT, EXPLAIN, OUTCOME, PROFILE, TICK, Command
from models.turn.shard_facts import Granted, ShardFact

START_MS = 1_767_225_600_000
#: The last is in the control group of ``simulation.catalog`` in January 2026.
ME, OTHER, HELD_OUT = CUSTOMERS[0], CUSTOMERS[2], CUSTOMERS[1]


class Desk:
    def __init__(self, units: dict[str, int] | None = None) -> None:
        self.shard = SimulatedShard(SimulatedDisk(), START_MS)
        self.shard.adopt_plan(plan(), {})
        self.scorer: Scorer = no_scorer
        self._count = 0
        self.grant(**(units or {}))

    def grant(self, **units: int) -> None:
        """Units per budget for the present period; the cap where not said."""
        facts: list[ShardFact] = [
            Granted(b.id, period_key(b.period, self.shard.wall_ms, plan().zone), units.get(b.id, b.cap))
            for b in plan().budgets.values()
        ]
        self.shard.adopt(facts)

    def free(self, budget: str) -> int:
        period = period_key(plan().budgets[budget].period, self.shard.wall_ms, plan().zone)
        return self.shard.core.state.escrow.free(budget, period)

    def pass_time(self, ms: int) -> None:
        self.shard.wall_ms += ms

    def profile(self, customer: str = ME) -> Profile | None:
        return self.shard.profiles.get(key_of(customer))

    def send(self, *commands: Command) -> list[Any]:
        """One turn: the bodies of the answers."""
        return [canonical.unpack(reply.body) for reply in self.shard.turn(list(commands), self.scorer)]

    def event_command(self, customer: str = ME, **more: Any) -> Command:
        body = {
            "event_id": self.new_id("e"), "customer_id": customer, "type": "basket", "time_ms": self.shard.wall_ms,
            "channel": "desk", "properties": {"total": 10.0}, **more,
        }
        return command_of(EVENT, customer, body)

    def decision_command(
        self, channel: str = "web", *placements: tuple[str, int], customer: str = ME, kind: str = DECISION, **more: Any
    ) -> Command:
        asked = list(placements or [("hero", 1)])
        request_id = more.pop("request_id", None) or self.new_id("r")
        return command_of(kind, customer, decision_body(request_id, customer, channel, asked, **more))

    def outcome_command(self, kind: str, item: Any = None, customer: str = ME, **more: Any) -> Command:
        """``item``: (decision id, action), or an action alone for the newest open contact."""
        decision_id, action = item if isinstance(item, tuple) else (None, item)
        body = {
            "outcome_id": self.new_id("o"), "decision_id": decision_id,
            "customer_id": customer if decision_id is None else None, "action": action, "type": kind,
            "time_ms": self.shard.wall_ms, "value": None, **more,
        }
        return command_of(OUTCOME, customer, body)

    def event(self, customer: str = ME, **more: Any) -> Any:
        return self.send(self.event_command(customer, **more))[0]

    def decide(self, channel: str = "web", *placements: tuple[str, int], **more: Any) -> Any:
        return self.send(self.decision_command(channel, *placements, **more))[0]

    def explain(self, channel: str = "web", *placements: tuple[str, int], **more: Any) -> Any:
        return self.send(self.decision_command(channel, *placements, kind=EXPLAIN, **more))[0]

    def outcome(self, kind: str, item: Any, **more: Any) -> Any:
        return self.send(self.outcome_command(kind, item, **more))[0]

    def attributes(self, customer: str = ME, **changes: Any) -> Any:
        return self.send(command_of(ATTRIBUTES, customer, changes))[0]

    def consent(self, customer: str = ME, **changes: bool) -> Any:
        return self.send(command_of(CONSENT, customer, dict(changes)))[0]

    def erase(self, customer: str = ME) -> Any:
        return self.send(command_of(ERASE, customer, {}))[0]

    def read(self, customer: str = ME) -> Any:
        return self.send(command_of(PROFILE, customer, {}))[0]

    def tick(self, customer: str = ME) -> None:
        self.send(command_of(TICK, customer, {}))

    def facts(self) -> list[Fact]:
        """Every customer fact of the journal."""
        return [fact for row in self.shard.rows() for _, _, _, facts in row.segments for fact in facts]

    def image(self) -> tuple[bytes, dict[bytes, bytes], int]:
        """All state as bytes, and the length of the journal."""
        profiles = {key: packing.pack(profile) for key, profile in self.shard.profiles.items() if profile}
        return self.shard.core.pack_state(), profiles, len(self.shard.disk.rows())

    def new_id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def check(self) -> None:
        """Validate, judge the journal, restart, compare, and decide everything again."""
        self.shard.validate()
        rows = self.shard.rows()
        check_journal(rows)
        check_budgets(rows)
        image = self.image()
        self.shard.start()
        self.shard.validate()
        assert self.image() == image
        self.shard.check_reexecution()


def items(body: Any) -> list[tuple[str, str]]:
    """(decision id, action) of what a decision chose, fallbacks left out."""
    return [
        (body["decision_id"], item["action"]) for placement in body["placements"] for item in placement["items"]
        if not item["fallback"]
    ]
