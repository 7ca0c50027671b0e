"""A shard that decides for many customers who answer by known chances, and its journal as the tools read one."""

from __future__ import annotations

import random
from typing import Any, Final

import numpy as np
from simulation.disk import SimulatedDisk
from simulation.shard import SimulatedShard, no_scorer
from simulation.workload import command_of, decision_body
from support.roles import adopted, champion

from models import canonical
from models.catalog.check import check_data
from models.catalog.plan import Plan
from models.scoring.booster import Booster
from models.scoring.rows import from_columns
from models.scoring.training import train
from models.turn.commands import ATTRIBUTES, DECISION, OUTCOME
from models.turn.wave_parts import WavePart

START_MS: Final = 1_767_225_600_000
HOUR_MS: Final = 3_600_000
CHANCES: Final = {"coupon": 0.2, "news": 0.35, "survey": 0.05, "upgrade": 0.5}
#: In percent.
LEVERS: Final = {"coupon": 100.0, "news": 0.0, "survey": 50.0, "upgrade": -50.0}
_PER_TURN: Final = 200


def catalog(
    levers: dict[str, float] = LEVERS, *, share: float = 0.6, control: float = 0.0, strip: int = 2, **more: Any
) -> dict[str, Any]:
    """Plain data: actions in one placement of two positions, explored evenly with a share."""
    return {
        "catalog": 1, "name": "shop", "currency": "EUR", "timezone": "UTC",
        "channels": [{"id": "web", "direction": "inbound", "hold_ttl": "10m"}],
        "placements": [{"id": "strip", "channel": "web", "count_max": strip}, {"id": "hero", "channel": "web"}],
        "attributes": [{"id": "size", "type": "number"}],
        "hierarchy": [{"issue": "sales", "lever": 0, "groups": [{"id": "offers", "lever": 0}]}],
        "actions": [
            {"id": action, "group": "offers", "value": 2.0, "lever": lever,
             "accept": {"outcome": "accept", "within": "1h"},
             "treatments": [{"id": f"{action}_strip", "placement": "strip", "content": {"t": action}}]}
            for action, lever in levers.items()
        ],
        "arbitration": {
            "exploration": {"method": "epsilon", "share": share},
            "control_group": {"id": "held_out", "share": control, "rotate": "never"} if control else None,
        },
        **more,
    }


def plan(*args: Any, **more: Any) -> Plan:
    return check_data(catalog(*args, **more))


def trained() -> Booster:
    """A scorer that knows the chances."""
    random_, count, names = np.random.default_rng(3), 4_000, list(CHANCES)
    shown = random_.integers(0, len(names), count)
    label = random_.random(count) < np.array(list(CHANCES.values()))[shown]
    columns = {
        "time_ms": START_MS - HOUR_MS * np.arange(count)[::-1], "action": [names[at] for at in shown],
        "label": label.astype(np.uint8), "attribute.size": random_.integers(1, 6, count).astype(float),
        **{f"action.{name}": (shown == at).astype(float) for at, name in enumerate(names)},
    }
    done = train(from_columns(columns, ["attribute.size", *(f"action.{name}" for name in names)]), START_MS)
    return Booster(done.model, done.manifest)


class Shop:
    """Customers who each decide once, and answer: by the action, and half as often below an upgrade."""

    def __init__(self, policy: Plan, seed: int, prefix: str = "c", scorer: Booster | None = None) -> None:
        self.shard = SimulatedShard(SimulatedDisk(), START_MS)
        self.shard.seed = seed << 20
        self.rng = random.Random(seed)
        self.prefix = prefix
        self.shard.adopt_plan(policy, {})
        self.scorer = scorer
        if scorer is not None:
            manifest = scorer.manifest
            self.shard.adopt([adopted(champion(manifest.version, manifest.features, actions=manifest.actions))])
        #: Rewards of all positions.
        self.rewards: list[float] = []

    def serve(self, customers: int, count: int = 2, value: float | None = None, seen: float = 0.8) -> Shop:
        """Decide for as many new customers, hear their answers, let every window end. ``seen``: how many see what they
        do not accept."""
        for start in range(0, customers, _PER_TURN):
            names = [f"{self.prefix}-{start + at}" for at in range(min(_PER_TURN, customers - start))]
            self.shard.turn([command_of(ATTRIBUTES, name, {"size": float(self.rng.randint(1, 5))}) for name in names])
            replies = self.shard.turn([
                command_of(DECISION, name, decision_body(f"r-{name}", name, "web", [("strip", count)]))
                for name in names
            ], no_scorer if self.scorer is None else self._scores)
            outcomes = []
            for name, reply in zip(names, replies, strict=True):
                assert reply.status == 200, reply.body
                body = canonical.unpack(reply.body)
                outcomes += self._answers(name, body, value, seen)
            for at in range(0, len(outcomes), _PER_TURN):
                assert all(reply.status == 200 for reply in self.shard.turn(outcomes[at : at + _PER_TURN]))
            self.shard.wall_ms += 2 * HOUR_MS
        self.shard.turn([command_of(ATTRIBUTES, f"{self.prefix}-last", {"size": 1.0})])
        return self

    @property
    def earned(self) -> float:
        """Mean reward of all positions."""
        return sum(self.rewards) / len(self.rewards)

    def journal(self) -> Journal:
        return Journal(self.shard)

    def _scores(self, part: WavePart) -> tuple[Any, bool]:
        assert self.scorer is not None
        return self.scorer.predict(part.matrix), False

    def _answers(self, name: str, body: dict[str, Any], value: float | None, seen: float) -> list[Any]:
        told, above = [], ""
        for item in (item for placement in body["placements"] for item in placement["items"]):
            if item["fallback"]:
                continue
            accepted = self.rng.random() < CHANCES.get(item["action"], 0.9) * (0.5 if above == "upgrade" else 1.0)
            self.rewards.append(float(accepted))
            above = item["action"]
            if accepted or self.rng.random() < seen:
                told.append(command_of(OUTCOME, name, {
                    "outcome_id": f"o-{name}-{item['action']}", "decision_id": body["decision_id"],
                    "customer_id": None, "action": item["action"], "type": "accept" if accepted else "impression",
                    "time_ms": self.shard.wall_ms, "value": value,
                }))
        return told


class Journal:
    """A ``JournalSource`` of one shard, in pages of a few rows."""

    shards = 1

    def __init__(self, shard: SimulatedShard, page_rows: int = 3) -> None:
        self._rows = [canonical.unpack(payload) for payload in shard.disk.rows()]
        self._page_rows = page_rows

    def rows(self, shard: int, after: int) -> dict[str, Any]:
        page = [
            {"seq": at + 1, "t": row["t"], "f": row["f"],
             "g": [(customer, generation, public, canonical.unpack(facts))
                   for customer, generation, public, facts in row["g"]]}
            for at, row in enumerate(self._rows) if after <= at < after + self._page_rows
        ]
        end = after + len(page)
        return {"rows": page, "next": end if end < len(self._rows) else None, "last": len(self._rows), "base": None}

    def base(self, shard: int, after: bytes) -> dict[str, Any]:
        raise AssertionError("this journal was never truncated")

    def close(self) -> None: ...


