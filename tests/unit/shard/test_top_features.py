"""A decision and its later explanation name the features that contributed most, as far as the scorer says them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.shard.rig import TENANT, Rig, decision, event, key, run, send
from unit.shard.test_nobody_is_waited_for import TREATED
from unit.shard.test_reads import _checkpoint

from actors.profile_shard import ProfileShard
from actors.scorer_registry import ScorerRegistry
from actors.scoring.in_process import InProcessScorer
from actors.scoring.interface import Matrix
from actors.scoring.loaded import open_scorers
from models.canonical import pack
from models.coordination.messages import Instructions
from models.scoring.roles import Roles
from models.scoring.rows import from_columns
from models.scoring.training import Trained, train
from models.turn.commands import EXPLAIN, EXPLANATION, Command

WHO = TREATED[0]
FEATURES = ("profile.baskets", "time.hour", "action.value")


class Scorer(InProcessScorer):
    """Real trees, which count how often they are asked why, and may keep it to themselves."""

    def __init__(self, directory: Path, trained: Trained) -> None:
        ScorerRegistry(directory).register(trained.model, trained.manifest)
        super().__init__(lambda: open_scorers(ScorerRegistry(directory)))
        self.asked_why = 0
        self.silent = False

    async def contributions(self, version: str, matrix: Matrix) -> Matrix:
        self.asked_why += 1
        if self.silent:
            raise ConnectionError("too late")
        return await super().contributions(version, matrix)


@pytest.fixture(scope="module")
def trained() -> Trained:
    draw = np.random.default_rng(4)
    baskets, value = draw.integers(0, 5, 400), draw.normal(2, 1, 400)
    return train(from_columns({
        "time_ms": np.arange(400), "action": ["gift"] * 400,
        "label": (baskets + value + draw.normal(size=400) > 4).astype(int),
        "profile.baskets": baskets, "time.hour": draw.integers(0, 24, 400), "action.value": value,
    }, FEATURES), created_ms=1)


@asynccontextmanager
async def scoring(rig: Rig, trained: Trained) -> AsyncIterator[tuple[ProfileShard, Scorer]]:
    scorer = Scorer(rig.directory, trained)
    rig.scorer = scorer
    version = trained.manifest.version
    news = Roles(1, version, manifests={version: trained.manifest.to_wire()})
    async with rig.shard() as shard:
        await shard.advance(pack(Instructions(1, roles=news).to_wire()))
        await send(shard, event(WHO, "e1"), event(WHO, "e2"))
        yield shard, scorer


async def explained(shard: ProfileShard, decision_id: str) -> dict[str, Any]:
    asked = Command(EXPLANATION, key(WHO), "", {"decision_id": decision_id}, "x", tenant=TENANT)
    ((status, body),) = await send(shard, asked)
    assert status == 200
    return dict(body)


def told(explanation: dict[str, Any]) -> dict[str, Any]:
    return {c["action"]: c["top_features"] for c in explanation["candidates"] if "top_features" in c}


def ask(request_id: str, **more: Any) -> Command:
    return decision(WHO, request_id, placements=[{"id": "strip", "count": 2}], **more)


def test_what_contributed_is_told_logged_and_told_again_without_the_scorer(rig: Rig, trained: Trained) -> None:
    async def scenario() -> None:
        async with scoring(rig, trained) as (shard, scorer):
            ((_, body),) = await send(shard, ask("r1", explain=True))
            features = told(body["explanation"])
            assert {name for top in features.values() for name, _ in top} == {"baskets", "time.hour", "action.value"}
            assert all(abs(top[0][1]) >= abs(top[-1][1]) > 0 for top in features.values())
            assert scorer.asked_why == 1
            assert await explained(shard, body["decision_id"]) == body["explanation"]
            assert (await send(shard, ask("r1", explain=True)))[0] == (200, body)
            assert scorer.asked_why == 1

    run(scenario())


def test_an_explanation_asked_for_is_told_too_and_a_plain_decision_asks_nothing(rig: Rig, trained: Trained) -> None:
    async def scenario() -> None:
        async with scoring(rig, trained) as (shard, scorer):
            await send(shard, ask("r1"))
            assert scorer.asked_why == 0
            plain = ask("r2")
            ((_, body),) = await send(shard, Command(EXPLAIN, plain.customer, WHO, plain.body, "r2", tenant=TENANT))
            assert all(told(body).values())

    run(scenario())


def test_a_decision_that_logged_none_is_explained_with_what_its_own_scorer_says(rig: Rig, trained: Trained) -> None:
    async def scenario() -> None:
        async with scoring(rig, trained) as (shard, scorer):
            ((_, body),) = await send(shard, ask("r1"))
            ((_, twin),) = await send(shard, ask("r2", explain=True, dry_run=True))
            # The same customer a moment later: what was scored in both has the same reasons.
            expected = told(twin["explanation"])
            now = told(await explained(shard, body["decision_id"]))
            assert expected
            assert all(now[action] == top for action, top in expected.items())
            await shard.advance(pack(Instructions(1, roles=Roles(2)).to_wire()))
            assert told(await explained(shard, body["decision_id"])) == now
            await _checkpoint(shard)
            assert told(await explained(shard, body["decision_id"])) == now
            assert scorer.asked_why == 4

    run(scenario())


def test_a_scorer_that_does_not_say_why_costs_the_features_alone(rig: Rig, trained: Trained) -> None:
    async def scenario() -> None:
        async with scoring(rig, trained) as (shard, scorer):
            scorer.silent = True
            for number in range(5):
                ((status, body),) = await send(shard, ask(f"r{number}", explain=True, dry_run=number < 4))
                assert (status, body["degraded"]) == (200, False)
                assert told(body["explanation"])
                assert not any(told(body["explanation"]).values())
            assert not any(told(await explained(shard, body["decision_id"])).values())
            scorer.silent = False
            assert all(told(await explained(shard, body["decision_id"])).values())

    run(scenario())
