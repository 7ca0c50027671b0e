"""Builders for arbitration tests: the packaged catalog, small catalogs, contacts and whole decisions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.arbitration import deciding, explaining
from models.arbitration.preparation import Misfit, Preparation, Verdict
from models.catalog.check import check_text
from models.catalog.plan import Plan
from models.profile.state import CONFIRMED, HELD, Contact, Profile
from models.scoring.evidence import Evidence
from models.scoring.roles import Roles
from models.times import parse_time_ms

ROOT = Path(__file__).resolve().parents[3]
#: A Thursday, 13:00 in New York.
NOON = parse_time_ms("2026-03-05T18:00:00Z")
PLENTY = 1_000_000


class Scene:
    """One customer under one plan; ``decide`` asks and keeps what was answered."""

    def __init__(self, plan: Plan, now_ms: int = NOON) -> None:
        self.plan = plan
        self.now_ms = now_ms
        self.profile = Profile("anna")
        self.free: dict[str, int] = {}
        self.evidence = Evidence()
        self.roles = Roles()
        #: Action -> rows that the scorer learnt from; empty: it does not say.
        self.learnt: dict[str, int] = {}
        self.preparation: Preparation | None = None
        self.verdict: Verdict | None = None

    def contact(self, action: str, treatment: str, at_ms: int, **changes: Any) -> Contact:
        """Put a confirmed contact into the ledger (``state=HELD``: an open hold that began at ``at_ms``)."""
        known = self.plan.actions[self.plan.action_index[action]]
        shown = next(t for t in known.treatments if t.id == treatment)
        channel = self.plan.channels[shown.channel]
        state = changes.pop("state", CONFIRMED)
        contact = Contact(
            f"d{len(self.profile.ledger)}", shown.placement, action, treatment, known.group, known.issue, channel.id,
            channel.direction, at_ms, at_ms + channel.hold_ttl_ms, known.accept_outcome, known.accept_within_ms, state,
            (), 0 if state == HELD else at_ms, **changes,
        )
        self.profile.ledger.append(contact)
        return contact

    def prepare(self, channel: str, placements: Mapping[str, int], seed: bytes = b"s" * 16, **more: Any) -> Preparation:
        prepared = self.ask(channel, placements, seed, **more)
        assert isinstance(prepared, Preparation), prepared.problem
        self.preparation = prepared
        return prepared

    def ask(
        self, channel: str, placements: Mapping[str, int], seed: bytes = b"s" * 16, **more: Any
    ) -> Preparation | Misfit:
        request = {
            "request_id": "r-1", "customer_id": self.profile.customer_id, "channel": channel,
            "placements": [{"id": id_, "count": count} for id_, count in placements.items()], "context": {},
            "event": None, "exclude": [], "dry_run": False, "explain": False, **more,
        }
        return deciding.prepare(self.profile, self.plan, request, seed, self.now_ms, self.evidence, self.roles)

    def decide(
        self, channel: str, placements: Mapping[str, int], seed: bytes = b"s" * 16,
        scores: Mapping[str, float] | None = None, **more: Any,
    ) -> dict[str, list[dict[str, Any]]]:
        """Placement -> answered items."""
        self.roles = Roles(1, "v1" if scores else None, manifests={"v1": {"actions": self.learnt}})
        prepared = self.prepare(channel, placements, seed, **more)
        given = None
        if scores is not None:
            ids = [self.plan.actions[index].id for index in prepared.scored]
            given = np.array([scores[id_] for id_ in ids], np.float32)
        self.verdict = deciding.resolve(prepared, given, False, lambda budget, _: self.free.get(budget, PLENTY))
        return {part["placement"]: part["items"] for part in self.verdict.body["placements"]}

    def shown(self, channel: str, placements: Mapping[str, int], **more: Any) -> list[str]:
        """Actions in the order in which they were answered."""
        return [item["action"] for items in self.decide(channel, placements, **more).values() for item in items]

    def explain(self) -> dict[str, Any]:
        assert self.preparation is not None
        assert self.verdict is not None
        return explaining.explain(self.preparation, self.verdict)

    def why(self, action: str) -> dict[str, Any]:
        """The explanation's entry of one candidate."""
        found = [entry for entry in self.explain()["candidates"] if entry["action"] == action]
        assert len(found) == 1
        return dict(found[0])


MakePlan = Callable[..., Plan]


@pytest.fixture(scope="session")
def make_plan() -> MakePlan:
    """A plan of actions ``[{...}]`` in one web channel and one outbound text channel, without exploration."""
    def make(actions: list[dict[str, Any]], **parts: Any) -> Plan:
        groups = sorted({action.get("group", "g") for action in actions})
        catalog = {
            "catalog": 1, "name": "small", "currency": "EUR", "timezone": "UTC",
            "channels": [
                {"id": "web", "direction": "inbound", "hold_ttl": "30m"},
                {"id": "sms", "direction": "outbound", "hold_ttl": "10m"},
            ],
            "placements": [
                {"id": "top", "channel": "web", "count_max": 5}, {"id": "side", "channel": "web", "count_max": 5},
                {"id": "text", "channel": "sms"},
            ],
            "hierarchy": [{"issue": "grow", "lever": 0, "groups": [{"id": id_, "lever": 0} for id_ in groups]}],
            "actions": [{"group": "g", "value": 1.0, **action} for action in actions],
            "arbitration": {"exploration": {"method": "none"}},
            **parts,
        }
        return check_text(json.dumps(catalog))
    return make


@pytest.fixture(scope="session")
def grocer() -> Plan:
    """The packaged example without exploration and without a control group, so that the best is what is shown."""
    text = (ROOT / "cluster" / "example_catalog.yaml").read_text()
    text = text.replace("method: inverse_gap", "method: none").replace("share: 0.02", "share: 0")
    return check_text(text)


@pytest.fixture
def scene(grocer: Plan) -> Scene:
    return Scene(grocer)


@pytest.fixture(scope="session")
def scene_of() -> type[Scene]:
    return Scene
