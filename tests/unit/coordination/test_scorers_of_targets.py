"""A scorer that cannot predict its target is not promoted, and loses its role when the target becomes another one."""

from __future__ import annotations

import copy
from typing import Any

from unit.coordination import shop
from unit.coordination.test_coordinator_commands import ask
from unit.coordination.test_roles_of_scorers import core_with, role

from models import limits
from models.catalog.check import check_data
from models.coordination.commands import PromoteScorer, PublishCatalog


def declaring(**target: Any) -> PublishCatalog:
    data = copy.deepcopy(shop.catalog())
    data["targets"] = [{"id": "churn", "event": "visit", **target}]
    return PublishCatalog(check_data(data))


def test_a_scorer_that_reads_an_action_cannot_predict_a_target() -> None:
    core = core_with("churn-1", target="churn", objective="probability")
    ask(core, declaring(predict="none"))
    refused = ask(core, PromoteScorer("churn-1"))
    assert refused.status == 422
    assert "'action.value': the scorer of a target reads nothing but" in refused.body["errors"][0]["msg"]
    assert core.state.roles.targets == {}


def test_a_target_that_becomes_a_number_loses_its_scorer_of_chances() -> None:
    core = core_with("churn-1", features=(), target="churn", objective="probability")
    ask(core, declaring(predict="none"))
    assert ask(core, PromoteScorer("churn-1")).status == 200
    ask(core, declaring(predict="days"))
    assert core.state.roles.targets == {}
    assert "predicts a probability, and target 'churn' is a number" in role(core, "churn-1")[2]


def test_a_target_that_asks_something_else_loses_the_scorer_that_learnt_what_it_asked() -> None:
    learnt = {"predict": "any", "event": "visit", "outcome": "", "field": [], "within_ms": 28 * limits.DAY_MS}
    core = core_with("visits-1", features=(), target="churn", objective="probability", asks=learnt)
    ask(core, declaring(predict="none"))
    refused = ask(core, PromoteScorer("visits-1"))
    assert refused.status == 422
    assert "predict is 'none' and was 'any'" in refused.body["errors"][0]["msg"]
    ask(core, declaring(predict="any"))
    assert ask(core, PromoteScorer("visits-1")).status == 200
    ask(core, declaring(predict="any", within="7d"))
    assert core.state.roles.targets == {}
    assert "within_ms is 604800000 and was 2419200000" in role(core, "visits-1")[2]
