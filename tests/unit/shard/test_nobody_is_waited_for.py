"""Decisions wait neither for the coordinator nor, beyond their share of the deadline, for the scorer."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simulation.catalog import plan
from unit.shard.rig import START_MS, FakeScorer, Rig, decision, run, send

from actors.profile_shard import ProfileShard
from actors.shard.clock import wall_ms
from actors.shard.scorer_client import ScorerClient
from models import limits
from models.arbitration.control import control_group
from models.coordination.messages import Instructions
from models.turn.wave_parts import Scored

#: Real seconds after which a test gives up: far more than any answer takes, far less than anybody's own patience.
SOON_S = 3.0
#: Customers outside the control group, whose decisions have something to score.
TREATED = [name for n in range(40) if control_group(plan(), (name := f"c{n}"), START_MS) is None]


async def _silent(*_: Any) -> Any:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")


async def _soon(shard: ProfileShard, *asked: Any) -> list[tuple[int, Any]]:
    return await asyncio.wait_for(send(shard, *asked), SOON_S)


def test_a_decision_does_not_wait_for_a_coordinator_that_says_nothing(rig: Rig) -> None:
    rig.coordinator.instructions = (  # type: ignore[method-assign]
        lambda report: Instructions(1, catalog=None if report.catalog_version else rig.coordinator.catalog,
                                    clock_ms=START_MS)
    )

    async def scenario() -> None:
        async with rig.shard() as shard:
            shard._sync._call = _silent
            for customer in TREATED[:3]:
                # Without any grant every decision goes dry, and asks for units in the background.
                ((status, body),) = await _soon(shard, decision(customer, "r"))
                assert status == 200
                assert body["placements"][0]["items"]
                await shard.poke()

    run(scenario())


def test_a_decision_does_not_wait_for_a_scorer_that_says_nothing(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            shard._scorer._scorer.ping = _silent  # type: ignore[method-assign]
            for customer in TREATED[: limits.BREAKER_FAILURES + 2]:
                ((status, body),) = await _soon(shard, decision(customer, "r", wall_ms() + 10_000))
                assert (status, body["degraded"]) == (200, True)

    run(scenario())


def test_the_scorer_has_half_of_the_tightest_deadline_and_never_more_than_its_bound(rig: Rig) -> None:
    waits: list[float] = []

    class Recorder:
        async def score(self, version: str | None, matrix: NDArray[np.float32], wait_ms: float) -> Scored:
            waits.append(wait_ms)
            return Scored(None, True)

        async def contributions(self, *_: Any) -> None:
            raise AssertionError("nothing was scored")

    async def scenario() -> None:
        async with rig.shard() as shard:
            now_ms = wall_ms()
            shard._parts.clock.real_ms = lambda: now_ms
            shard._runner._scorer = Recorder()
            await send(shard, decision("anna", "r1", now_ms + 40), decision("ben", "r1", now_ms + 9_000))
            await send(shard, decision("anna", "r2", now_ms + 9_000))
            await send(shard, decision("anna", "r3"))
            assert waits == [20, limits.SCORER_WAIT_MS_MAX, limits.SCORER_WAIT_MS_MAX]

    run(scenario())


def test_the_waves_of_a_turn_share_the_scorers_part_of_the_deadline(rig: Rig) -> None:
    """Each alone would take it whole, and the turn, which answers all at once, would come too late."""
    waits: list[float] = []
    real = [wall_ms()]

    class Silent:
        async def score(self, version: str | None, matrix: NDArray[np.float32], wait_ms: float) -> Scored:
            waits.append(wait_ms)
            real[0] += round(wait_ms)
            return Scored(None, True)

    async def scenario() -> None:
        async with rig.shard() as shard:
            shard._parts.clock.real_ms = lambda: real[0]
            shard._runner._scorer = Silent()
            asked = [decision(TREATED[0], f"r{number}", real[0] + 40) for number in range(4)]
            answers = await send(shard, *asked)
            assert [(status, body["degraded"]) for status, body in answers] == [(200, True)] * 4
            assert waits == [20]

    run(scenario())


def test_a_scorer_is_given_up_when_its_time_is_over() -> None:
    class Silent(FakeScorer):
        predict = _silent

    async def scenario() -> None:
        client = ScorerClient(Silent())
        assert await client.probe()
        scored = await asyncio.wait_for(client.score("v1", np.zeros((2, 1), np.float32), 10), SOON_S)
        assert scored.degraded

    run(scenario())
