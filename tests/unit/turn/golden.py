"""Generated shards whose answers are frozen: catalogs, customers and turns that follow from a seed alone.

Each seed makes a catalog with some of everything that a decision judges, then plays turns at it. What is kept is a
digest over every answer and every matrix that a scorer would have read (``golden_decisions.json``), so that a faster
turn shows itself to be the same turn. ``python -m unit.turn.golden`` (in ``tests``) writes the file anew, which is
right only when decisions are *meant* to come out otherwise.
"""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from simulation.disk import SimulatedDisk
from simulation.shard import SimulatedShard
from simulation.workload import command_of, decision_body
from support.roles import crowned

from models import canonical
from models.budgets.periods import period_key
from models.catalog.check import check_data
from models.turn.commands import ATTRIBUTES, CONSENT, DECISION, EVENT, EXPLAIN, OUTCOME, Command
from models.turn.shard_facts import CatalogAdopted, Granted, ShardFact
from models.turn.wave_parts import WavePart

FILE: Final = Path(__file__).with_name("golden_decisions.json")
SEEDS: Final = 60
TURNS: Final = 14
#: A Friday, 18:20 in New York.
START_MS: Final = 1_772_839_200_000
COLUMNS: Final = (
    "profile.baskets", "profile.spend", "profile.last_kind", "profile.recency", "profile.share", "attribute.staff",
    "attribute.size", "time.hour", "channel.web", "action.value", "action.evidence", "group.g1", "tag.new",
)
_PLACEMENTS: Final = {"web": ("hero", "strip", "foot"), "mail": ("body",)}
_STANDING_RULES: Final = (
    "!has(profile.staff) || profile.staff == false", "profile.baskets >= 1", "segments.buyer", "!segments.big",
    "has(profile.size) && profile.size > 1.5", "profile.recency > 0.01", "profile.size > 2.0 || profile.baskets >= 2",
    "has(profile.recency) && profile.recency < 1.0",
)
_REQUEST_RULES: Final = (
    "has(context.page) && context.page == 'home'", "context.page == 'cart'",
    "has(event.type) && event.type == 'basket'", "now.getHours() < 20",
)
_WEIGHTS: Final = (
    "has(context.page) && context.page == 'home' ? 1.75 : 0.5", "profile.baskets >= 1 ? 3.0 : 1.0", "context.weight",
    "0.0",
)


class Playing:
    """One seed's shard and what it was asked."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.digest = hashlib.sha256()
        self.count = 0
        #: (customer, decision id, action) of what may have an outcome.
        self.chosen: list[tuple[str, str, str]] = []
        self.customers = [f"c-{seed}-{number}" for number in range(6)]
        self.shard = SimulatedShard(SimulatedDisk(), START_MS + self.rng.randrange(40) * 3_600_000 + 1)
        plan = check_data(catalog(self.rng))
        facts: list[ShardFact] = [CatalogAdopted(plan.version, dict(plan.catalog))]
        if self.rng.random() < 0.8:
            facts.append(crowned("x1", COLUMNS))
        for budget in plan.budgets.values():
            for hour in range(3):
                key = period_key(budget.period, self.shard.wall_ms + hour * 3_600_000, plan.zone)
                facts.append(Granted(budget.id, key, budget.cap))
        self.shard.adopt(facts)
        self.actions = [action.id for action in plan.actions]

    def play(self) -> str:
        for _ in range(TURNS):
            commands = [self.command() for _ in range(self.rng.randint(1, 9))]
            for command, reply in zip(commands, self.shard.turn(commands, self.score), strict=True):
                self.digest.update(reply.status.to_bytes(2, "big") + reply.body)
                if command.kind == DECISION and reply.status == 200:
                    self.note(canonical.unpack(reply.body))
            self.shard.wall_ms += self.rng.choice([0, 1, 61_000, 1_800_000, 7_200_000])
        self.shard.check_reexecution()
        return self.digest.hexdigest()

    def score(self, part: WavePart) -> tuple[NDArray[np.float32] | None, bool]:
        """Ties, extremes and what is no number among them; now and then no answer in time."""
        self.digest.update(part.matrix.tobytes())
        rng = self.rng
        if rng.random() < 0.15:
            return None, True
        odd = (0.0, 0.1, 0.1, 1.0, float("nan"), 2.0, 1e-9)
        scores = [rng.random() if rng.random() < 0.6 else rng.choice(odd) for _ in range(part.rows)]
        return np.array(scores, np.float32), False

    def note(self, body: dict[str, Any]) -> None:
        items = [item for part in body["placements"] for item in part["items"] if not item["fallback"]]
        self.chosen += [
            (body["customer_id"], body["decision_id"], item["action"]) for item in items if body["decision_id"]
        ]

    def command(self) -> Command:
        rng = self.rng
        customer = rng.choice(self.customers)
        kind = rng.choices((DECISION, EXPLAIN, EVENT, OUTCOME, ATTRIBUTES, CONSENT), (60, 6, 12, 14, 5, 5))[0]
        if kind == OUTCOME and not self.chosen:
            kind = EVENT
        if kind in (DECISION, EXPLAIN):
            return command_of(kind, customer, self.decision(customer))
        if kind == OUTCOME:
            return self.outcome()
        bodies: dict[str, dict[str, Any]] = {
            EVENT: {**self.event(), "customer_id": customer},
            ATTRIBUTES: rng.choice([{"staff": True}, {"staff": None}, {"size": 2.5}, {"size": 1}]),
            CONSENT: {"mail": rng.random() < 0.7},
        }
        return command_of(kind, customer, bodies[kind])

    def decision(self, customer: str) -> dict[str, Any]:
        rng = self.rng
        channel = rng.choice(["web", "web", "web", "mail"])
        places = rng.sample(_PLACEMENTS[channel], rng.randint(1, len(_PLACEMENTS[channel])))
        asked = [(place, rng.randint(1, 4) if place == "strip" else 1) for place in places]
        body = decision_body(self.id("r"), customer, channel, asked)
        body["context"] = rng.choice([{}, {"page": "home"}, {"page": "cart", "weight": 2.25}, {"weight": -1.0}])
        if rng.random() < 0.4:
            body["event"] = self.event()
        if rng.random() < 0.2:
            body["exclude"] = [*rng.sample(self.actions, min(2, len(self.actions))), "nobody"]
        body["dry_run"], body["explain"] = rng.random() < 0.1, rng.random() < 0.25
        if rng.random() < 0.03:
            body["placements"] = rng.choice([
                [{"id": "nowhere", "count": 1}], [{"id": "strip", "count": 5}], [{"id": "hero", "count": 1}] * 2,
            ])
        return body

    def event(self) -> dict[str, Any]:
        rng = self.rng
        properties = rng.choice([{}, {"total": 12.5}, {"total": 80, "kind": 3}, {"kind": "tea"}, {"kind": 2.5}])
        return {
            "event_id": self.id("e"), "type": rng.choice(["basket", "basket", "view"]), "channel": "web",
            "time_ms": None if rng.random() < 0.5 else self.shard.wall_ms - rng.randrange(7_200_000),
            "properties": properties,
        }

    def outcome(self) -> Command:
        customer, decision_id, action = self.rng.choice(self.chosen)
        kind = self.rng.choice(["impression", "click", "accept", "reject", "not_shown"])
        return command_of(OUTCOME, customer, {
            "outcome_id": self.id("o"), "decision_id": decision_id, "customer_id": None, "action": action,
            "type": kind, "time_ms": self.shard.wall_ms, "value": None,
        })

    def id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"


def catalog(rng: random.Random) -> dict[str, Any]:
    """Some of everything that a decision judges."""
    actions = [_action(rng, number) for number in range(rng.choice([1, 4, 9, 16, 30]))]
    if rng.random() < 0.5:
        rng.shuffle(actions)
    fallbacks = [
        {"id": f"fall_{place}", "group": "g0", "fallback": True, "treatments": [
            {"id": f"fall_{place}", "placement": place, "content": {"text": place},
             **({"when": rng.choice(_REQUEST_RULES)} if rng.random() < 0.2 else {})},
        ]} for place in ("hero", "strip", "body")
    ]
    control = {"control_group": {"id": "held", "share": 0.3, "rotate": rng.choice(["month", "never"])}}
    ids = [action["id"] for action in actions]
    return {
        "catalog": 1, "name": "golden", "currency": "USD", "timezone": "America/New_York",
        "channels": [
            {"id": "web", "direction": "inbound", "hold_ttl": rng.choice(["10m", "30m"])},
            {"id": "mail", "direction": "outbound", "consent": "mail", "hold_ttl": "2h",
             "quiet_hours": {"from": "22:00", "to": "07:00"}},
        ],
        "placements": [
            {"id": "hero", "channel": "web", "fallback": ["fall_hero"]},
            {"id": "strip", "channel": "web", "count_max": 4, "fallback": ["fall_strip"]},
            {"id": "foot", "channel": "web"}, {"id": "body", "channel": "mail", "fallback": ["fall_body"]},
        ],
        "attributes": [{"id": "staff", "type": "bool"}, {"id": "size", "type": "number"}],
        "features": [
            {"id": "baskets", "event": "basket", "aggregate": "count", "window": "2h"},
            {"id": "spend", "event": "basket", "aggregate": "sum", "field": "total", "window": "1d"},
            {"id": "last_kind", "event": "basket", "aggregate": "last", "field": "kind"},
            {"id": "recency", "event": "basket", "aggregate": "days_since_last"},
            {"id": "views", "event": "view", "aggregate": "count", "window": "1h"},
            {"id": "share", "aggregate": "ratio", "of": ["views", "baskets"]},
        ],
        "segments": [{"id": "buyer", "when": "profile.baskets >= 1"}, {"id": "big", "when": "profile.spend > 100.0"}],
        "hierarchy": [
            {"issue": "i0", "lever": 10, "groups": [{"id": "g0", "lever": -5}, {"id": "g1", "lever": 0}]},
            {"issue": "i1", "lever": 0, "groups": [{"id": "g2", "lever": 30}]},
        ],
        "budgets": [
            {"id": "small", "unit": "coupon", "cap": 6}, {"id": "daily", "unit": "EUR", "cap": 40, "period": "day"},
            {"id": "hourly", "unit": "minute", "cap": 9, "period": "hour", "spend_on": "contact"},
        ],
        "actions": [*actions, *fallbacks],
        "contact_policies": _policies(rng, ids),
        "arbitration": {
            "factors": {name: rng.choice([1.0, 1.0, 0.0, 0.5]) for name in ("propensity", "context", "value", "lever")},
            "exploration": {
                "method": rng.choice(["inverse_gap", "inverse_gap", "epsilon", "none"]),
                "gamma": rng.choice([0.0, 5.0, 200.0]), "share": rng.choice([0.1, 0.5, 1.0]),
            },
            "evidence": {"prior": 0.07, "strength": 7},
            **(control if rng.random() < 0.3 else {}),
        },
    }


def _action(rng: random.Random, number: int) -> dict[str, Any]:
    """Ids do not ascend: their digits are turned round."""
    id_ = f"a{number:03d}"[::-1]
    id_ = f"a{id_[:-1]}"
    group, value = f"g{rng.randrange(3)}", rng.choice([0.0, 1.0, 1.0, 2.5, 7.0])
    action: dict[str, Any] = {"id": id_, "group": group, "value": value}
    for gate in ("eligibility", "applicability", "suitability"):
        if rng.random() < 0.25:
            action[gate] = rng.choice(_STANDING_RULES if rng.random() < 0.8 else _REQUEST_RULES)
    if rng.random() < 0.2:
        action["context_weight"] = rng.choice(_WEIGHTS)
    if rng.random() < 0.05:
        action["mandatory"] = True
    if rng.random() < 0.1:
        action["valid"] = {"from": "2026-03-06T20:00:00-05:00", "until": "2026-03-07T09:00:00-05:00"}
    if rng.random() < 0.3:
        action["budget"] = {"id": rng.choice(["small", "daily"]), "units": rng.randint(1, 4)}
    action["treatments"] = [
        _treatment(rng, f"{id_}_{place}_{turn}", place) for place in ("hero", "strip", "foot", "body")
        for turn in range(rng.choice([0, 1, 1, 2]))
    ] or [_treatment(rng, f"{id_}_hero", "hero")]
    return action


def _treatment(rng: random.Random, id_: str, place: str) -> dict[str, Any]:
    treatment: dict[str, Any] = {"id": id_, "placement": place, "content": {"title": id_, "n": rng.randrange(5)}}
    if rng.random() < 0.2:
        treatment["tags"] = ["new"]
    if rng.random() < 0.2:
        treatment["when"] = rng.choice([*_STANDING_RULES, *_REQUEST_RULES[:2]])
    if rng.random() < 0.15:
        treatment["budget"] = {"id": "hourly", "units": rng.randint(1, 2)}
    return treatment


def _policies(rng: random.Random, ids: list[str]) -> list[dict[str, Any]]:
    """All forms, each in half of the catalogs."""
    found: list[dict[str, Any]] = [
        {"id": "few", "limit": rng.randint(2, 6), "window": "2h"},
        {"id": "once", "scope": {"channel": "web"}, "limit": 1, "window": "1h", "per": "action"},
        {"id": "group", "scope": {"group": "g1"}, "limit": 2, "window": "3h", "per": "placement"},
        {"id": "mails", "scope": {"direction": "outbound"}, "limit": 1, "window": "4h"},
        {"id": "no", "scope": {"issue": "i0"}, "after": {"outcome": "reject", "count": 1}, "rest": "4h",
         "per": "action"},
        {"id": "bought", "scope": {"group": "g2"}, "rest": "1h",
         "after": {"event": "basket", "when": "event.properties.total > 50.0"}},
    ]
    if len(ids) > 2:
        found.append({"id": "either", "exclusive": rng.sample(ids, 3), "window": "2h"})
        found.append({"id": "apart", "never": ids[0], "after": {"action": ids[1]}, "window": "90m"})
    return [policy for policy in found if rng.random() < 0.5]


def digests() -> dict[str, str]:
    return {str(seed): Playing(seed).play() for seed in range(SEEDS)}


if __name__ == "__main__":
    FILE.write_text(json.dumps(digests(), indent=1) + "\n")
