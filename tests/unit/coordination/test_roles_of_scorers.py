"""What is asked about the roles of scorers: done, refused with a reason, or without effect."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from unit.coordination import shop
from unit.coordination.shop import NOON_MS
from unit.coordination.test_coordinator_commands import ask, shards_of

from models import limits
from models.catalog.check import check_data
from models.catalog.plan import Plan
from models.coordination.commands import (
    Answer,
    CanaryScorer,
    Command,
    PromoteScorer,
    PublishCatalog,
    RegisterScorer,
    RetireScorer,
    RollBackScorer,
    ShadowScorer,
)
from models.coordination.core import CoordinatorCore
from models.coordination.views import scorers_view


def core_with(*versions: str, features: tuple[str, ...] = ("action.value",), **manifest: Any) -> CoordinatorCore:
    core = shop.coordinator(1)
    for version in versions:
        ask(core, RegisterScorer(version, {"features": list(features), **manifest}))
    return core


def role(core: CoordinatorCore, version: str) -> tuple[str, float | None, str]:
    (one,) = (one for one in scorers_view(core.state)["scorers"] if one["version"] == version)
    return one["role"], one["share"], one["note"]


def naming(*versions: str) -> Plan:
    """The shop's catalog with an experiment over scorers."""
    data = copy.deepcopy(shop.catalog())
    variants = [{"id": f"v{place}", "weight": 1, "scorer": version} for place, version in enumerate(versions)]
    data["experiments"] = [{"id": "scorers", "share": 0.5, "variants": [{"id": "control", "weight": 1}, *variants]}]
    return check_data(data)


def test_a_role_is_adopted_whole_and_once() -> None:
    core = core_with("a", "b", "c")
    (shard,) = shards_of(core, 1)
    ask(core, PromoteScorer("a"))
    ask(core, CanaryScorer("b", 50_000), NOON_MS + 1)
    answer = ask(core, ShadowScorer("c"), NOON_MS + 2)
    assert (answer.status, answer.body["role"]) == (200, "shadow")
    assert core.laggards(NOON_MS) == [0]
    shard.sync(core, NOON_MS)
    roles = shard.roles
    assert (roles.champion, roles.canary, roles.canary_millionths, roles.shadows) == ("a", "b", 50_000, ("c",))
    assert set(roles.manifests) == {"a", "b", "c"}
    shard.sync(core, NOON_MS)
    assert (shard.roles, core.laggards(NOON_MS)) == (roles, [])


@pytest.mark.parametrize("command", [PromoteScorer("a"), ShadowScorer("b"), CanaryScorer("c", 10), RetireScorer("d")])
def test_what_is_asked_twice_is_done_once(command: Command) -> None:
    core = core_with("a", "b", "c", "d")
    assert core.handle(command, NOON_MS).facts
    assert core.handle(command, NOON_MS + 5).facts == ()
    assert ask(core, command).status == 200


def test_a_version_has_one_of_champion_canary_and_shadow() -> None:
    core = core_with("a", "b")
    ask(core, PromoteScorer("a"))
    ask(core, ShadowScorer("b"))
    ask(core, CanaryScorer("b", 1_000))
    assert (role(core, "b"), core.state.roles.shadows) == (("canary", 0.001, ""), ())
    ask(core, PromoteScorer("b"))
    assert (role(core, "b"), core.state.roles.canary) == (("champion", None, ""), None)
    for command in (ShadowScorer("b"), CanaryScorer("b", 1_000), RetireScorer("b")):
        refused = ask(core, command)
        assert (refused.status, "champion" in refused.body["detail"]) == (409, True)


def test_share_zero_ends_a_canary_and_no_other() -> None:
    core = core_with("a", "b")
    ask(core, CanaryScorer("a", 1_000))
    ask(core, CanaryScorer("b", 0))
    assert role(core, "a") == ("canary", 0.001, "")
    ask(core, CanaryScorer("a", 0))
    assert (role(core, "a"), core.state.roles.canary) == (("registered", None, ""), None)
    assert ask(core, CanaryScorer("a", 1_000_001)).body["errors"][0]["loc"] == ["share"]


def test_a_roll_back_goes_from_champion_to_champion_and_then_to_evidence() -> None:
    core = core_with("a", "b")
    assert ask(core, RollBackScorer()).status == 409
    ask(core, PromoteScorer("a"), NOON_MS + 1)
    ask(core, PromoteScorer("b"), NOON_MS + 2)
    history = scorers_view(core.state)["history"]
    assert [reign["version"] for reign in history] == ["a", None]
    back = ask(core, RollBackScorer(), NOON_MS + 3)
    assert (back.body["version"], core.state.champion, role(core, "b")[0]) == ("a", "a", "registered")
    assert ask(core, RollBackScorer(), NOON_MS + 4).body["version"] is None
    assert core.state.champion is None
    assert ask(core, RollBackScorer()).status == 409


def test_no_roll_back_leads_to_what_was_retired_or_does_not_fit_any_more() -> None:
    core = core_with("a", "b", "c")
    for version in "abc":
        ask(core, PromoteScorer(version))
    ask(core, RetireScorer("b"))
    assert role(core, "b")[0] == "retired"
    assert ask(core, RollBackScorer()).body["version"] == "a"
    fits_one = core_with("a", features=("action.one",))
    ask(fits_one, RegisterScorer("b", {"features": ["action.value"]}))
    ask(fits_one, PromoteScorer("a"))
    ask(fits_one, PromoteScorer("b"))
    ask(fits_one, PublishCatalog(shop.without_budget("pool")))
    refused = ask(fits_one, RollBackScorer())
    assert (refused.status, "action.one" in refused.body["errors"][0]["msg"]) == (422, True)
    assert fits_one.state.champion == "b"


def test_a_roll_back_changes_who_decides_also_where_who_reigned_in_between_was_retired() -> None:
    core = core_with("a", "b", "c")
    for version in ("a", "b", "a", "c", "a"):
        ask(core, PromoteScorer(version))
    assert ask(core, RetireScorer("c")).status == 200
    assert ask(core, RollBackScorer()).body["version"] == core.state.champion == "b"
    assert ask(core, PromoteScorer("a")).status == 200
    assert ask(core, RetireScorer("b")).status == 200
    assert ask(core, RollBackScorer()).body["version"] is core.state.champion is None
    assert ask(core, RollBackScorer()).status == 409


def test_a_catalog_takes_every_role_from_what_does_not_fit_it_and_says_why() -> None:
    core = core_with("a", "b", "c", features=("action.one",))
    ask(core, RegisterScorer("fits", {"features": ["action.value"]}))
    ask(core, PromoteScorer("a"))
    ask(core, CanaryScorer("b", 1_000))
    ask(core, ShadowScorer("c"))
    ask(core, ShadowScorer("fits"))
    answer = ask(core, PublishCatalog(shop.without_budget("pool")))
    assert all(version in answer.body["scorer_note"] for version in "abc")
    assert core.state.roles.versions == ("fits",)
    assert all("action.one" in role(core, version)[2] for version in "abc")
    ask(core, PromoteScorer("fits"))
    assert core.state.scorer_note == ""


def test_an_experiment_names_scorers_that_are_known_and_fit() -> None:
    core = core_with("good")
    ask(core, RegisterScorer("bad", {"features": ["profile.unheard_of"]}))
    ask(core, RegisterScorer("churn", {"features": ["action.value"], "target": "churn"}))
    live = core.state.catalog_version
    refused = ask(core, PublishCatalog(naming("good", "bad", "nobody", "churn")))
    assert refused.status == 422
    said = {error["loc"][3]: error["msg"] for error in refused.body["errors"]}
    assert said.keys() == {2, 3, 4}
    assert ("unheard_of" in said[2], "nobody" in said[3], "churn" in said[4]) == (True, True, True)
    assert refused.body["errors"][0]["loc"][:3] == ["experiments", 0, "variants"]
    assert (core.state.catalog_version, core.state.roles.named) == (live, ())
    assert ask(core, PublishCatalog(naming("good"))).status == 200
    assert (core.state.roles.named, role(core, "good")[0]) == (("good",), "experiment")
    assert ask(core, RetireScorer("good")).status == 409
    ask(core, PublishCatalog(shop.plan()))
    assert core.state.roles.named == ()
    assert ask(core, RetireScorer("good")).status == 200


def test_a_scorer_of_a_target_is_promoted_into_it_and_has_no_other_role() -> None:
    core = core_with("churn-1", "churn-2", features=(), target="churn", objective="probability")
    undeclared = ask(core, PromoteScorer("churn-1"))
    assert (undeclared.status, undeclared.body["errors"][0]["loc"]) == (422, ["target"])
    data = copy.deepcopy(shop.catalog())
    data["targets"] = [{"id": "churn", "predict": "none", "event": "visit", "within": "28d"}]
    ask(core, PublishCatalog(check_data(data)))
    assert ask(core, PromoteScorer("churn-1")).body["role"] == "target"
    assert ask(core, PromoteScorer("churn-2")).body["role"] == "target"
    assert core.state.roles.targets == {"churn": "churn-2"}
    assert (core.state.champion, role(core, "churn-1")[0]) == (None, "registered")
    assert ask(core, CanaryScorer("churn-2", 10)).status == ask(core, ShadowScorer("churn-1")).status == 409
    ask(core, PublishCatalog(shop.plan()))
    assert (core.state.roles.targets, "declares no target" in role(core, "churn-2")[2]) == ({}, True)


def test_roles_are_bounded() -> None:
    versions = [f"s{number}" for number in range(limits.SHADOWS_MAX + 1)]
    core = core_with(*versions)
    answers = [ask(core, ShadowScorer(version)).status for version in versions]
    assert answers == [200] * limits.SHADOWS_MAX + [409]


def test_nobody_has_a_role_before_there_is_a_catalog() -> None:
    core = CoordinatorCore(1, shop.compile_once)
    ask(core, RegisterScorer("a", {"features": []}))
    assert [ask(core, command).status for command in (PromoteScorer("a"), CanaryScorer("a", 1), ShadowScorer("a"))] == [
        409, 409, 409,
    ]
    assert [ask(core, command).status for command in (PromoteScorer("x"), RetireScorer("x"))] == [404, 404]


def test_a_catalog_names_no_more_scorers_than_can_have_roles() -> None:
    versions = [f"s{number}" for number in range(limits.ROLES_MAX)]
    core = core_with("champion", *versions)
    assert ask(core, PublishCatalog(naming(*versions[:19]))).status == 200
    ask(core, PromoteScorer("champion"))
    data = copy.deepcopy(shop.catalog())
    data["experiments"] = [
        {"id": f"e{part}", "share": 0.5, "variants": [
            {"id": f"v{place}", "weight": 1, "scorer": version} for place, version in enumerate(own)
        ]} for part, own in enumerate([versions[:16], versions[16:]])
    ]
    refused = core.handle(PublishCatalog(check_data(data)), NOON_MS).reply
    assert isinstance(refused, Answer)
    assert (refused.status, refused.body["errors"][-1]["loc"]) == (422, ["experiments"])
