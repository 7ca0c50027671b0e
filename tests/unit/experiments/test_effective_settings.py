"""A variant's customers get what a catalog written by hand with its settings would give them, to the byte."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from simulation.catalog import CHANNELS, catalog

from models import canonical
from models.arbitration import deciding
from models.arbitration.preparation import Preparation
from models.catalog.check import check_data
from models.catalog.plan import Plan
from models.coordination.messages import Count
from models.experiments.effective import effective
from models.profile.apply import apply
from models.profile.facts import Born
from models.scoring.evidence import Evidence
from models.scoring.roles import Roles

NOBODY = Roles()
NOW_MS = 1_767_225_600_000
EVIDENCE = Evidence().with_changes(3, [Count("action", "gift", 30, 90), Count("group", "coupons", 10, 200)])
SETTINGS: list[dict[str, Any]] = [
    {"factors": {"value": 0.0}}, {"factors": {"propensity": 0.5, "lever": 2.0}}, {"exploration": {"method": "none"}},
    {"exploration": {"gamma": 1.0, "share": 1.0}}, {"exploration": {"method": "epsilon"}},
    {"evidence": {"prior": 0.9, "strength": 100.0}},
    {"factors": {"value": 2.0}, "exploration": {"share": 0.9}, "evidence": {"strength": 1.0}},
]


def experimental(change: dict[str, Any]) -> Plan:
    variants = [{"id": "a", "weight": 0}, {"id": "b", "weight": 1, "arbitration": change}]
    return check_data(catalog() | {"experiments": [{"id": "x", "share": 1.0, "variants": variants}]})


def by_hand(change: dict[str, Any]) -> Plan:
    written = deepcopy(catalog())
    for section, keys in change.items():
        written["arbitration"][section] |= keys
    return check_data(written)


def decide(plan: Plan, number: int, channel: str, scores: bool, roles: Roles = NOBODY) -> dict[str, Any]:
    profile = apply(None, Born(f"c-{number}"), plan, NOW_MS)
    profile.consent["marketing"] = True
    request = {
        "request_id": "r", "customer_id": profile.customer_id, "channel": channel, "context": {}, "event": None,
        "placements": [{"id": placement, "count": 1} for placement in CHANNELS[channel]], "exclude": [],
        "dry_run": False, "explain": False,
    }
    seed = number.to_bytes(16, "big")
    prepared = deciding.prepare(profile, plan, request, seed, NOW_MS, EVIDENCE, roles)
    assert isinstance(prepared, Preparation)
    given = np.linspace(0.05, 0.4, len(prepared.scored), dtype=np.float32) if scores else None
    return deciding.resolve(prepared, given, False, lambda *_: 100).body


@pytest.mark.parametrize("change", SETTINGS, ids=lambda change: "+".join(change))
def test_decisions_under_a_variant_are_those_of_a_catalog_that_says_the_same(change: dict[str, Any]) -> None:
    under, written, plain = experimental(change), by_hand(change), by_hand({})
    differs = False
    for number in range(60):
        for channel in CHANNELS:
            body, expected = (decide(plan, number, channel, number % 2 == 1) for plan in (under, written))
            if body["control_group"] is None:
                assert body.pop("experiments") == {"x": "b"}
            body["catalog_version"] = expected["catalog_version"]
            assert canonical.pack(body) == canonical.pack(expected)
            usual = decide(plain, number, channel, number % 2 == 1) | {"catalog_version": expected["catalog_version"]}
            differs |= usual != expected
    assert differs, "the change changes nothing, so this proves nothing"


def test_experiments_of_two_namespaces_work_together() -> None:
    def one(id_: str, change: dict[str, Any]) -> dict[str, Any]:
        variants = [{"id": "a", "weight": 0}, {"id": "b", "weight": 1, "arbitration": change}]
        return {"id": id_, "namespace": id_, "share": 1.0, "variants": variants}

    changes = [{"exploration": {"gamma": 1.0}}, {"factors": {"value": 0.5}}]
    both = check_data(catalog() | {"experiments": [one("x", changes[0]), one("y", changes[1])]})
    written = by_hand(changes[0] | changes[1])
    for number in range(40):
        body, expected = decide(both, number, "web", False), decide(written, number, "web", False)
        assert body["placements"] == expected["placements"]


def test_a_variant_names_the_scorer_of_its_customers() -> None:
    variants = [{"id": "a", "weight": 0}, {"id": "b", "weight": 1, "scorer": "xgb-new"}]
    plan = check_data(catalog() | {"experiments": [{"id": "x", "share": 1.0, "variants": variants}]})
    manifests: dict[str, dict[str, Any]] = {"xgb-old": {}, "xgb-new": {}}
    roles = Roles(1, champion="xgb-old", named=("xgb-new",), manifests=manifests)
    assert decide(plan, 0, "web", True, roles)["scorer_version"] == "xgb-new"
    unfit = roles.keeping(lambda version: version != "xgb-new")
    assert decide(plan, 0, "web", True, unfit)["scorer_version"] == "xgb-old"


def test_a_variant_overrides_weights_of_treatments() -> None:
    written = catalog()
    written["actions"][0]["treatments"][0]["weight"] = 3
    variants = [{"id": "a", "weight": 0}, {"id": "b", "weight": 1, "treatments": {"ten_hero": 5, "gift_strip": 2}}]
    plan = check_data(written | {"experiments": [{"id": "x", "share": 1.0, "variants": variants}]})
    assert effective(plan, ()).treatment_weights == {"ten_hero": 3}
    assert effective(plan, (("x", "b"),)).treatment_weights == {"ten_hero": 5, "gift_strip": 2}
