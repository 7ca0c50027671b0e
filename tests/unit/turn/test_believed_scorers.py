"""Turns under Thompson sampling, weighted treatments and a scorer that is trusted by halves: run again to the byte."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from simulation import catalog
from simulation.desk import Desk
from support.roles import adopted, champion

from models.catalog.check import check_data
from models.turn.shard_facts import CatalogAdopted, EvidenceAdopted
from models.turn.wave_parts import WavePart


def rich_catalog() -> dict[str, Any]:
    data = catalog.catalog()
    data["arbitration"] |= {
        "exploration": {"method": "thompson", "share": 1.0}, "evidence": {"prior": 0.1, "strength": 5, "blend": 10},
        "control_group": {"id": "held_out", "share": 0.0},
    }
    ten = next(action for action in data["actions"] if action["id"] == "ten_off")
    ten["treatments"].insert(1, {"id": "ten_bold", "placement": "hero", "content": {"t": "TEN"}, "weight": 3})
    ten["treatments"][0]["weight"] = 1
    return data


def by_column(part: WavePart) -> tuple[NDArray[np.float32] | None, bool]:
    """What the first column says, brought into (0, 1)."""
    return np.clip(np.nan_to_num(part.matrix[:, 0]) / 8.0, 0.02, 0.9).astype(np.float32), False


@pytest.fixture
def rich(desk: Desk) -> Desk:
    plan = check_data(rich_catalog())
    desk.shard.adopt([
        CatalogAdopted(plan.version, dict(plan.catalog)),
        EvidenceAdopted(1, [["action", "gift", 3, 40], ["group", "gifts", 3, 40], ["issue", "grow", 9, 90]]),
        adopted(champion("v1", ["action.value"], actions={"ten_off": 10, "five_off": 90})),
    ])
    desk.scorer = by_column
    return desk


def test_everything_that_such_turns_decide_is_decided_again_to_the_byte(rich: Desk) -> None:
    """``desk.check`` runs every decision again; here they are many, in waves of several customers."""
    rich.event()
    told = rich.send(*[
        rich.decision_command("web", ("hero", 1), ("strip", 3), customer=customer, explain=True)
        for customer in catalog.CUSTOMERS
    ])
    for _ in range(6):
        rich.pass_time(3_600_000)
        rich.grant()
        told += rich.send(*[
            rich.decision_command("web", ("strip", 3), ("hero", 1), customer=customer) for customer in catalog.CUSTOMERS
        ])
    shown = {
        item["treatment"] for body in told for part in body["placements"] for item in part["items"]
        if not item["fallback"]
    }
    assert {"ten_bold", "gift_strip"} <= shown


def test_each_candidate_says_whose_word_it_goes_by(rich: Desk) -> None:
    told = rich.decide("web", ("hero", 1), ("strip", 3), explain=True)["explanation"]["candidates"]
    entries = {entry["action"]: entry for entry in told if "propensity" in entry}
    weights = {action: (entry["propensity_source"], entry["scorer_weight"]) for action, entry in entries.items()}
    assert weights["ten_off"] == ("scorer", 0.5)
    assert weights["five_off"] == ("scorer", 0.9)
    assert weights["gift"] == ("evidence", 0.0)
    for entry in entries.values():
        weight = entry["scorer_weight"]
        blend = weight * entry["scorer_propensity"] + (1 - weight) * entry["evidence_propensity"]
        assert entry["propensity"] == pytest.approx(blend, rel=1e-8)
    assert entries["gift"]["propensity"] == entries["gift"]["evidence_propensity"]


def test_a_new_action_begins_with_what_the_scorer_learnt_from_its_group_until_outcomes_tell(rich: Desk) -> None:
    """``desk.check`` runs the decisions before and after the new evidence again, each under its own."""
    rows = {"actions": {"ten_off": 10}, "groups": {"gifts": 30}, "issues": {"grow": 90}}
    rich.shard.adopt([adopted(champion("v2", ["action.value"], **rows))])
    rich.grant()
    before = weights_of(rich, catalog.CUSTOMERS[0])
    assert before["gift"] == pytest.approx((30 + 10 * 0.9) / 40 * 10 / 50)
    rich.shard.adopt([EvidenceAdopted(2, [["action", "gift", 60, 990], ["group", "gifts", 60, 990]])])
    rich.grant()
    after = weights_of(rich, catalog.CUSTOMERS[1])
    assert after["gift"] == pytest.approx((30 + 10 * 0.9) / 40 * 10 / 1_000)
    assert {**after, "gift": 0.0} == {**before, "gift": 0.0}


def weights_of(desk: Desk, customer: str) -> dict[str, float]:
    told = desk.decide("web", ("hero", 1), ("strip", 3), customer=customer, explain=True)["explanation"]["candidates"]
    return {entry["action"]: entry["scorer_weight"] for entry in told if "scorer_weight" in entry}


def test_without_scores_each_candidate_goes_by_evidence(rich: Desk) -> None:
    rich.scorer = lambda part: (None, True)
    told = rich.decide("web", ("hero", 1), explain=True)["explanation"]["candidates"]
    (entry,) = [entry for entry in told if entry["action"] == "ten_off"]
    assert (entry["propensity_source"], entry["scorer_weight"], entry["scorer_propensity"]) == ("evidence", 0.0, None)
    assert entry["propensity"] == entry["evidence_propensity"]
