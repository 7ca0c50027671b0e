"""Scores of targets are refreshed beside the turns: soon, once, whatever becomes of the scorer, and read by rules."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from simulation.catalog import catalog
from unit.shard.rig import START_MS, TENANT, FakeCoordinator, Rig, decision, event, key, read, run, send, until

from actors.profile_shard import ProfileShard
from actors.scoring.interface import Matrix, ScorerGoneError, Wanted
from models import limits
from models.canonical import unpack
from models.catalog.check import check_data
from models.catalog.plan import Plan
from models.coordination.messages import CatalogNews, Instructions, Report
from models.scoring.roles import Roles
from models.scoring.targets import target_features
from models.turn.commands import ERASE, Command

TARGETS: list[dict[str, Any]] = [
    {"id": "eagerness", "predict": "any", "event": "basket"},
    {"id": "best_channel", "predict": "channel", "outcome": "click"},
]


def targeted() -> Plan:
    known = catalog()
    known["targets"] = TARGETS
    known["segments"] = [
        *known["segments"],
        {"id": "eager", "when": "has(profile.scores.eagerness) && profile.scores.eagerness > 0.25"},
        {"id": "desk_lover", "when": "has(profile.scores.best_channel) && profile.scores.best_channel == 'desk'"},
    ]
    return check_data(known)


PLAN = targeted()


class Trees:
    """A scorer of targets: a tenth per basket of the last hours; the desk is the best channel. ``gone`` versions are
    not answered for."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.asked: list[tuple[str, int]] = []

    async def find(self, _wanted: Wanted = ()) -> None:
        """Always there."""

    async def ping(self) -> None:
        """Always there."""

    async def predict(self, version: str, matrix: Matrix) -> Matrix:
        self.asked.append((version, len(matrix)))
        if version in self.gone:
            raise ScorerGoneError("gone")
        if version.startswith("channel"):
            desk = target_features(PLAN.targets["best_channel"], PLAN).index("channel.desk")
            return matrix[:, desk]
        return np.nan_to_num(matrix[:, 0]) / np.float32(10)

    async def contributions(self, version: str, matrix: Matrix) -> Matrix:
        raise AssertionError("nobody explains a target")


def roles(number: int = 1, **targets: str) -> Roles:
    manifests = {
        version: {"features": list(target_features(PLAN.targets[target], PLAN)), "target": target}
        for target, version in targets.items()
    }
    return Roles(number, targets=targets, manifests=manifests)


class Coordinator(FakeCoordinator):
    """Hands out roles as well."""

    def __init__(self, roles: Roles) -> None:
        super().__init__()
        self.catalog = CatalogNews(PLAN.version, dict(PLAN.catalog))
        self.roles = roles

    def instructions(self, report: Report) -> Instructions:
        told = super().instructions(report)
        news = self.roles if report.roles_number < self.roles.number else None
        return Instructions(1, catalog=told.catalog, roles=news, grants=told.grants, clock_ms=told.clock_ms)


@pytest.fixture
def trees(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Trees:
    monkeypatch.setattr(limits, "SCORES_GATHER_MS", 1)
    rig.coordinator = Coordinator(roles(eagerness="eager-1", best_channel="channel-1"))
    rig.scorer = Trees()
    return rig.scorer


async def customer(shard: ProfileShard, name: str = "anna") -> dict[str, Any]:
    ((status, body),) = await send(shard, read(name))
    assert status == 200, body
    return dict(body)


async def scored(shard: ProfileShard, name: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The customer as soon as its values are so."""
    async with asyncio.timeout(limits.SCORES_STALE_MS / 1_000):
        while not is_so(values(body := await customer(shard, name))):  # noqa: ASYNC110
            await asyncio.sleep(0)
    return body


def values(body: dict[str, Any]) -> dict[str, Any]:
    return {target: score["value"] for target, score in body["scores"].items()}


async def idle(shard: ProfileShard) -> None:
    """Until nobody is marked, swept or asked about."""
    refresher: Any = shard._refresher
    async with asyncio.timeout(30):
        while refresher._may_work or refresher.is_busy:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def last_row(shard: ProfileShard) -> int:
    return int(unpack(await shard.status())["seq"])


def test_an_event_refreshes_the_scores_that_rules_then_read(rig: Rig, trees: Trees) -> None:
    async def play() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))
            body = await scored(shard, "anna", lambda found: found == {"eagerness": 0.1, "best_channel": "desk"})
            assert body["segments"] == ["buyer", "desk_lover"]
            assert body["scores"]["eagerness"] == {"value": 0.1, "version": "eager-1", "time": "2026-01-01T00:00:00Z"}
            await send(shard, event("anna", "e2"), event("anna", "e3"))
            body = await scored(shard, "anna", lambda found: found["eagerness"] == 0.3)
            assert body["segments"] == ["buyer", "eager", "desk_lover"]

    run(play())


def test_what_did_not_change_is_no_fact(rig: Rig, trees: Trees) -> None:
    async def play() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))
            await scored(shard, "anna", lambda found: len(found) == 2)
            await idle(shard)
            before, asked = await last_row(shard), len(trees.asked)
            await send(shard, event("anna", "e2", type_="page_view"))
            await idle(shard)
            assert len(trees.asked) > asked
            assert await last_row(shard) == before + 1, "the event alone"
            await send(shard, decision("anna", "r1"))
            await idle(shard)
            assert await last_row(shard) == before + 2, "a decision touches no score"

    run(play())


def test_many_customers_share_one_matrix_per_target(rig: Rig, trees: Trees) -> None:
    async def play() -> None:
        async with rig.shard() as shard:
            names = [f"c{number}" for number in range(40)]
            await send(shard, *(event(name, f"e-{name}") for name in names))
            for name in names:
                await scored(shard, name, lambda found: len(found) == 2)
            assert len(trees.asked) <= 8
            assert sum(rows for version, rows in trees.asked if version == "eager-1") == 1 + 40, "one to load it"
            assert sum(rows for version, rows in trees.asked if version == "channel-1") == 1 + 40 * 3

    run(play())


def test_a_large_matrix_is_asked_for_in_parts(rig: Rig, trees: Trees, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SCORES_ROWS_AT_ONCE", 7)

    async def play() -> None:
        async with rig.shard() as shard:
            names = [f"c{number}" for number in range(9)]
            await send(shard, *(event(name, f"e-{name}") for name in names), event("c8", "again"))
            for name in names:
                body = await scored(shard, name, lambda found: len(found) == 2)
                assert values(body) == {"eagerness": 0.2 if name == "c8" else 0.1, "best_channel": "desk"}
            assert max(rows for _, rows in trees.asked) <= 7

    run(play())


def test_a_scorer_that_is_gone_costs_its_own_target_nothing_but_time(rig: Rig, trees: Trees) -> None:
    async def play() -> None:
        trees.gone = {"eager-1"}
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))
            body = await scored(shard, "anna", lambda found: found == {"best_channel": "desk"})
            assert "eagerness" not in body["scores"]
            ((status, answer),) = await send(shard, decision("anna", "r1"))
            assert (status, answer["degraded"]) == (200, False)
            stale = shard._parts.stale
            assert stale.pending == 1
            assert stale.age_s > 0
            trees.gone = set()
            await scored(shard, "anna", lambda found: found.get("eagerness") == 0.1)
            assert stale.pending == 0
            assert stale.age_s == 0
            assert shard._parts.counters.totals["scores_failed"] >= 1

    run(play())


def test_another_scorer_of_a_target_is_asked_about_everybody_in_memory(rig: Rig, trees: Trees) -> None:
    async def play() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"), event("ben", "e2"))
            for name in ("anna", "ben"):
                await scored(shard, name, lambda found: len(found) == 2)
            rig.coordinator.roles = roles(2, eagerness="eager-2", best_channel="channel-1")  # type: ignore[attr-defined]
            await shard.poke()
            for name in ("anna", "ben"):
                async with asyncio.timeout(30):
                    while (await customer(shard, name))["scores"]["eagerness"]["version"] != "eager-2":  # noqa: ASYNC110
                        await asyncio.sleep(0)
            rig.coordinator.roles = roles(3)  # type: ignore[attr-defined]
            await shard.poke()
            await until(lambda: shard.status(), lambda status: not shard._parts.core.state.roles.targets)
            asked = len(trees.asked)
            await send(shard, event("anna", "e3"))
            await idle(shard)
            assert len(trees.asked) == asked, "nobody is asked for what is no target's"

    run(play())


def test_a_mark_that_a_kill_lost_is_found_at_the_start(rig: Rig, trees: Trees) -> None:
    async def play() -> None:
        trees.gone = {"eager-1", "channel-1"}
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))
            assert (await customer(shard))["scores"] == {}
        trees.gone = set()
        async with rig.shard() as shard:
            await scored(shard, "anna", lambda found: found == {"eagerness": 0.1, "best_channel": "desk"})
            kept = await customer(shard)
        async with rig.shard() as shard:
            await idle(shard)
            assert await customer(shard) == kept, "and what was written is there again"

    run(play())


def test_a_score_of_yesterday_is_looked_at_anew_by_any_touch(rig: Rig, trees: Trees) -> None:
    async def play() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))
            await scored(shard, "anna", lambda found: found["eagerness"] == 0.1 if "eagerness" in found else False)
            await idle(shard)
            rig.coordinator.clock_ms = START_MS + limits.DAY_MS
            await shard.poke()
            await until(lambda: shard.status(), lambda status: shard._parts.now_ms() > START_MS)
            await send(shard, decision("anna", "r1"))
            body = await scored(shard, "anna", lambda found: found["eagerness"] == 0.0)
            assert {score["time"] for score in body["scores"].values()} == {"2026-01-02T00:00:00Z"}

    run(play())


def test_nothing_is_written_about_the_erased(rig: Rig, trees: Trees) -> None:
    async def play() -> None:
        async with rig.shard() as shard:
            refresher: Any = shard._refresher
            go_on, reached, ask = asyncio.Event(), asyncio.Event(), trees.predict

            async def held(version: str, matrix: Matrix) -> Matrix:
                reached.set()
                await go_on.wait()
                return await ask(version, matrix)

            trees.predict = held  # type: ignore[method-assign]
            await send(shard, event("anna", "e1"))
            await reached.wait()
            await send(shard, Command(ERASE, key("anna"), "anna", {"request_id": "x"}, "x", tenant=TENANT))
            await send(shard, event("anna", "e2"))
            before = await last_row(shard)
            refresher._parts.stale.forget()
            go_on.set()
            await idle(shard)
            assert await last_row(shard) == before
            assert (await customer(shard))["scores"] == {}, "the new anna is another"

    run(play())


def test_decisions_go_before_refreshes(rig: Rig, trees: Trees) -> None:
    async def play() -> None:
        async with rig.shard() as shard:
            loop: Any = shard._loop
            names = [f"c{number}" for number in range(2 * limits.LATER_PER_TURN_MAX)]
            await send(shard, *(event(name, f"e-{name}") for name in names))
            sizes: list[tuple[int, int]] = []
            turn = loop._runner.run

            async def noted(batch: list[Any]) -> Any:
                kinds = [pending.command.kind for pending in batch]
                sizes.append((kinds.count("refresh"), kinds.index("refresh") if "refresh" in kinds else len(kinds)))
                return await turn(batch)

            loop._runner.run = noted
            asked = [send(shard, decision(name, f"r-{name}")) for name in names]
            for ((status, _),) in await asyncio.gather(*asked):
                assert status == 200
            await scored(shard, names[-1], lambda found: len(found) == 2)
            await idle(shard)
            assert max(refreshes for refreshes, _ in sizes) <= limits.LATER_PER_TURN_MAX
            assert sum(refreshes for refreshes, _ in sizes) == len(names)

    run(play())
