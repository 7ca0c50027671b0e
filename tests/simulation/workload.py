"""Random commands as channels would send them: many at once, repeated, reordered, late, wrong."""

from __future__ import annotations

import random
from typing import Any

from simulation.catalog import CHANNELS, CUSTOMERS
from simulation.shard import key_of

from models import canonical
from models.ids import MAIN_TENANT
from models.turn.commands import (
    ATTRIBUTES,
    CONSENT,
    DECISION,
    ERASE,
    EVENT,
    EXPLAIN,
    OUTCOME,
    PROFILE,
    TICK,
    Command,
    Reply,
)

_OUTCOMES = (
    "impression", "impression", "delivery", "not_shown", "click", "accept", "accept", "convert", "reject", "reject",
    "dismiss",
)


class Workload:
    def __init__(self, rng: random.Random, prefix: str = "") -> None:
        """``prefix``: of every id, where several make requests."""
        self._rng = rng
        self._prefix = prefix
        self._count = 0
        #: (decision id, action, customer) of items that were chosen.
        self.chosen: list[tuple[str, str, str]] = []
        #: Commands that were sent before, to be sent again.
        self._sent: list[Command] = []

    def batch(self, now_ms: int) -> list[Command]:
        commands = [self.command(now_ms) for _ in range(self._rng.randint(1, 6))]
        self._sent = (self._sent + commands)[-60:]
        return commands

    def command(self, now_ms: int) -> Command:
        if self._sent and self._rng.random() < 0.12:
            return self._rng.choice(self._sent)
        customer_id = self._rng.choice(CUSTOMERS)
        kind = self._rng.choices(
            (DECISION, OUTCOME, EVENT, CONSENT, ATTRIBUTES, EXPLAIN, PROFILE, TICK, ERASE),
            (38, 30, 10, 6, 4, 3, 3, 4, 2),
        )[0]
        if kind in (DECISION, EXPLAIN):
            return command_of(kind, customer_id, self.decision(customer_id, now_ms))
        if kind == OUTCOME:
            return self.outcome(customer_id, now_ms)
        bodies: dict[str, Any] = {
            EVENT: lambda: self.event(customer_id, now_ms),
            CONSENT: lambda: {"marketing": self._rng.random() < 0.75},
            ATTRIBUTES: lambda: self._rng.choice([{"staff": True}, {"staff": None}, {"size": 2}, {"unknown": 1}]),
        }
        return command_of(kind, customer_id, bodies[kind]() if kind in bodies else {})

    def decision(self, customer_id: str, now_ms: int) -> dict[str, Any]:
        rng = self._rng
        channel = rng.choice(list(CHANNELS))
        body = decision_body(self._id("r"), customer_id, channel, [
            (placement, rng.randint(1, 2) if placement in ("strip", "script") else 1) for placement in CHANNELS[channel]
        ])
        if rng.random() < 0.2:
            nested = self.event(customer_id, now_ms)
            del nested["customer_id"]
            body["event"] = {**nested, "time_ms": None} if rng.random() < 0.5 else nested
        body["dry_run"] = rng.random() < 0.08
        body["explain"] = rng.random() < 0.1
        body["min_state_version"] = rng.choice([None, None, None, 1, 1_000])
        return body

    def event(self, customer_id: str, now_ms: int) -> dict[str, Any]:
        late_ms = self._rng.choice([0, 0, 60_000, 3_600_000, 8 * 86_400_000, -200_000, -400_000])
        return {
            "event_id": self._id("e"), "customer_id": customer_id, "type": self._rng.choice(["basket", "visit"]),
            "time_ms": now_ms - late_ms, "channel": "desk", "properties": {"total": self._rng.choice([10.5, 70.25])},
        }

    def outcome(self, customer_id: str, now_ms: int) -> Command:
        body: dict[str, Any] = {
            "outcome_id": self._id("o"), "decision_id": None, "customer_id": None,
            "action": self._rng.choice(["gift", "help"]), "type": self._rng.choice(_OUTCOMES),
            "time_ms": now_ms - self._rng.choice([0, 0, 30_000, 700_000, 10_000_000]), "value": None,
        }
        if self.chosen and self._rng.random() < 0.9:
            body["decision_id"], body["action"], customer_id = self._rng.choice(self.chosen[-12:])
        else:
            body["customer_id"] = customer_id
        return command_of(OUTCOME, customer_id, body)

    def heard(self, command: Command, reply: Reply) -> None:
        """Learn from an answer which items there are."""
        if command.kind == DECISION and reply.status == 200:
            body = canonical.unpack(reply.body)
            for placement in body["placements"] if body["decision_id"] else ():
                for item in placement["items"]:
                    self.chosen.append((body["decision_id"], item["action"], body["customer_id"]))

    def _id(self, prefix: str) -> str:
        self._count += 1
        return f"{self._prefix}{prefix}-{self._count}"


def command_of(kind: str, customer_id: str, body: dict[str, Any]) -> Command:
    return Command(kind, key_of(customer_id), customer_id, body, str(body.get("request_id", "")), tenant=MAIN_TENANT)


def decision_body(
    request_id: str, customer_id: str, channel: str, placements: list[tuple[str, int]], **more: Any
) -> dict[str, Any]:
    """A decision request in its internal form."""
    return {
        "request_id": request_id, "customer_id": customer_id, "channel": channel,
        "placements": [{"id": placement, "count": count} for placement, count in placements], "context": {},
        "event": None, "exclude": [], "dry_run": False, "explain": False, "min_state_version": None,
        "deadline_ms": 1_000, **more,
    }
