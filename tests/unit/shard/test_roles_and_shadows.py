"""Roles at a shard: adopted once their scorers are loaded, and shadows that hold up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from support.roles import besides, champion
from unit.shard.rig import Rig, decision, run, send, until
from unit.shard.test_nobody_is_waited_for import TREATED

from actors.profile_shard import ProfileShard
from actors.scoring.interface import Matrix, ScorerGoneError, Wanted
from models import limits
from models.canonical import pack
from models.coordination.messages import EvidenceNews, Instructions
from models.scoring.roles import Roles

FEATURES = ("action.value",)


class Trees:
    """Every version says its own number; ``broken`` ones cannot be loaded, and ``gone`` ends all talk."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.found: list[Wanted] = []
        self.broken: set[str] = set()
        self.gone = False
        self.held = asyncio.Event()
        self.held.set()

    async def find(self, wanted: Wanted = ()) -> None:
        self.found.append(list(wanted))
        await self.ping()

    async def ping(self) -> None:
        if self.gone:
            raise ScorerGoneError("gone")

    async def predict(self, version: str, matrix: Matrix) -> Matrix:
        await self.ping()
        self.asked.append(version)
        if version == "shade":
            await self.held.wait()
        if version in self.broken:
            raise ValueError("the file is cut short")
        return np.full(len(matrix), {"old": 0.25, "new": 0.5}.get(version, 0.125), np.float32)

    async def contributions(self, version: str, matrix: Matrix) -> Matrix:
        raise AssertionError("nobody explains")


@pytest.fixture
def trees(rig: Rig) -> Trees:
    rig.scorer = trees = Trees()
    return trees


async def adopt(shard: ProfileShard, roles: Roles) -> int:
    """The number of the roles that the shard has then."""
    await shard.advance(pack(Instructions(1, roles=roles).to_wire()))
    return shard._parts.core.state.roles.number


async def told(shard: ProfileShard, number: int) -> list[tuple[str | None, bool]]:
    answers = await send(shard, *(decision(customer, f"{customer}-{number}") for customer in TREATED[:6]))
    return [(body["scorer_version"], body["degraded"]) for _, body in answers]


def shadowed(number: int = 9, *more: str) -> Roles:
    roles, shadows = champion("old", FEATURES, number), ("shade", *more)
    manifests = {version: {"features": ["profile.baskets", "action.value"]} for version in shadows}
    return Roles(number, "old", shadows=shadows, manifests={**roles.manifests, **manifests})


def test_a_scorer_is_loaded_before_it_decides_and_no_decision_goes_without(rig: Rig, trees: Trees) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            assert await adopt(shard, champion("old", FEATURES, 1)) == 1
            assert trees.asked == ["old"], "a row, to have it in memory"
            assert await told(shard, 1) == [("old", False)] * 6
            assert await adopt(shard, besides(champion("old", FEATURES, 2), "new", 1_000_000, FEATURES)) == 2
            assert await told(shard, 2) == [("new", False)] * 6

    run(scenario())


def test_roles_are_in_the_log_before_anybody_is_scored_by_them(rig: Rig, trees: Trees) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            assert await adopt(shard, champion("old", FEATURES, 7)) == 7
            assert await told(shard, 1) == [("old", False)] * 6
        async with rig.shard() as shard:
            await shard.drain()
            assert shard._parts.core.state.active_roles == champion("old", FEATURES, 7)

    run(scenario())


def test_where_a_scorer_cannot_be_loaded_the_champion_stays(rig: Rig, trees: Trees) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await adopt(shard, champion("old", FEATURES, 1))
            trees.broken = {"new"}
            assert await adopt(shard, champion("new", FEATURES, 2)) == 1
            assert await adopt(shard, besides(champion("old", FEATURES, 2), "new", 10, FEATURES)) == 1
            assert await told(shard, 1) == [("old", False)] * 6
            trees.broken = set()
            assert await adopt(shard, champion("new", FEATURES, 2)) == 2
            assert await told(shard, 2) == [("new", False)] * 6

    run(scenario())


def test_all_other_news_are_adopted_while_a_scorer_is_slow_to_load(rig: Rig, trees: Trees) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            trees.held.clear()
            news = Instructions(1, roles=shadowed(3), evidence=EvidenceNews(1, ()))
            began = asyncio.get_running_loop().time()
            await shard.advance(pack(news.to_wire()))
            state = shard._parts.core.state
            assert (state.evidence.version, state.roles.number) == (1, 0)
            assert (asyncio.get_running_loop().time() - began) * 1_000 < limits.SHARD_LIVE_MS
            trees.held.set()
            assert await adopt(shard, shadowed(3)) == 3
            assert trees.asked == ["old", "shade"], "it was loaded once"

    run(scenario())


def test_a_shadow_that_cannot_be_loaded_keeps_no_role_from_anybody(rig: Rig, trees: Trees) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            trees.broken = {"shade"}
            assert await adopt(shard, shadowed(3)) == 3
            assert await told(shard, 1) == [("old", False)] * 6
            await until(shard.status, lambda _: shard._parts.counters.totals["shadow_failed"] >= 6)
            assert await told(shard, 2) == [("old", False)] * 6

    run(scenario())


def test_roles_are_adopted_while_nobody_is_there_to_score_and_loaded_by_whoever_is_found(
    rig: Rig, trees: Trees
) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            trees.gone = True
            assert await adopt(shard, champion("old", FEATURES, 4)) == 4
            await told(shard, 1)
            trees.gone = False
            await until(shard.status, lambda status: not status["degraded"])
            assert list(trees.found[-1]) == [("old", 1)]
            assert await told(shard, 2) == [("old", False)] * 6

    run(scenario())


def test_an_older_number_changes_nothing(rig: Rig, trees: Trees) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await adopt(shard, champion("old", FEATURES, 5))
            assert await adopt(shard, champion("new", FEATURES, 4)) == 5
            assert await told(shard, 1) == [("old", False)] * 6

    run(scenario())


def test_a_shadow_scores_what_was_shown_after_the_answer(rig: Rig, trees: Trees) -> None:
    heard: dict[tuple[str, str], Mapping[str, float]] = {}

    async def scenario() -> None:
        async with rig.shard() as shard:
            await adopt(shard, shadowed())
            shard._shadowing._tell = lambda *said: heard.__setitem__(said[:2], said[2])
            trees.held.clear()
            answers = await send(shard, *(decision(customer, customer) for customer in TREATED[:3]))
            assert heard == {}, "it was answered before the shadow said anything"
            trees.held.set()
            await until(shard.status, lambda _: len(heard) == 3)
            for _, body in answers:
                items = [item for part in body["placements"] for item in part["items"] if not item["fallback"]]
                assert heard[body["decision_id"], "shade"] == {item["action"]: 0.125 for item in items}
                assert body["scorer_version"] == "old"
            assert shard._parts.counters.totals["shadowed"] == 3

    run(scenario())


def test_what_too_many_wait_for_is_dropped_and_counted(
    rig: Rig, trees: Trees, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SHADOW_QUEUED_MAX", 4)

    async def scenario() -> None:
        async with rig.shard() as shard:
            await adopt(shard, shadowed())
            trees.held.clear()
            totals: Any = shard._parts.counters.totals
            for number, customer in enumerate(TREATED[:6]):
                await send(shard, decision(customer, f"{customer}-{number}"))
            assert totals["shadow_dropped"] == 2, "four wait, the one in work among them"
            trees.held.set()
            await until(shard.status, lambda _: totals["shadowed"] == 4)
            await send(shard, decision(TREATED[6], "later"))
            await until(shard.status, lambda _: totals["shadowed"] == 5)

    run(scenario())


def test_a_shadow_that_is_retired_while_another_one_scores_is_not_asked_any_more(rig: Rig, trees: Trees) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await adopt(shard, shadowed(1, "other"))
            trees.held.clear()
            await told(shard, 1)
            await until(shard.status, lambda _: trees.asked[-1] == "shade")
            assert await adopt(shard, shadowed(2)) == 2
            trees.asked.clear()
            trees.held.set()
            await until(shard.status, lambda _: shard._parts.counters.totals["shadowed"] >= 6)
            await told(shard, 2)
            await until(shard.status, lambda _: shard._parts.counters.totals["shadowed"] >= 12)
            assert "other" not in trees.asked

    run(scenario())
