"""A version that fails rests by itself: its customers are degraded without being waited for, nobody else's are."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from unit.shard.rig import run

from actors.scoring.interface import Matrix, ScorerGoneError, Wanted
from actors.shard.scorer_client import ScorerClient
from actors.shard.scorer_standings import ScorerStandings
from models import limits

MATRIX = np.ones((3, 2), np.float32)
LATELY_S = limits.SCORER_LATELY_MS / 1_000


class Versions:
    """Scores by the versions that are not broken. ``asked``: of which, in order; None for a ping."""

    def __init__(self) -> None:
        self.broken: dict[str | None, Exception] = {}
        self.asked: list[str | None] = []
        self.now_s = 1_000.0

    async def find(self, _wanted: Wanted = ()) -> None:
        return

    async def ping(self) -> None:
        self._ask(None)

    async def predict(self, version: str, matrix: Matrix) -> Matrix:
        self._ask(version)
        return matrix.sum(axis=1)

    async def contributions(self, version: str, matrix: Matrix) -> Matrix:
        raise AssertionError(f"nobody explains {len(matrix)} rows of {version}")

    def _ask(self, version: str | None) -> None:
        self.asked.append(version)
        if version in self.broken:
            raise self.broken[version]

    def calls(self) -> list[str | None]:
        asked, self.asked = self.asked, []
        return asked


async def opened() -> tuple[Versions, ScorerClient]:
    scorer = Versions()
    client = ScorerClient(scorer, lambda: scorer.now_s)
    assert await client.probe()
    return scorer, client


async def degraded(client: ScorerClient, version: str | None) -> bool:
    return (await client.score(version, MATRIX, 1_000)).degraded


async def with_a_broken_canary() -> tuple[Versions, ScorerClient]:
    scorer, client = await opened()
    scorer.broken["canary"] = ValueError("broken")
    assert not await degraded(client, "champion")
    for _ in range(limits.BREAKER_FAILURES):
        assert await degraded(client, "canary")
    scorer.calls()
    return scorer, client


def test_a_broken_canary_degrades_its_own_customers_alone_and_is_not_asked() -> None:
    async def scenario() -> None:
        scorer, client = await with_a_broken_canary()
        for _ in range(2 * limits.BREAKER_FAILURES):
            assert await degraded(client, "canary")
            assert not client.open
            assert not await degraded(client, "champion")
            assert not await degraded(client, None)
        assert scorer.calls() == ["champion", None] * (2 * limits.BREAKER_FAILURES)

    run(scenario())


def test_a_version_that_rests_is_tried_again_after_pauses_that_double_to_their_bound() -> None:
    async def scenario() -> None:
        scorer, client = await with_a_broken_canary()
        for pause_ms in [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]:
            scorer.now_s += (pause_ms - 1) / 1_000
            assert await degraded(client, "canary")
            assert scorer.calls() == []
            scorer.now_s += 0.001
            assert not await degraded(client, "champion")
            assert await degraded(client, "canary")
            assert await degraded(client, "canary")
            assert scorer.calls() == ["champion", "canary"]
            assert not client.open

    run(scenario())


def test_a_version_that_answers_again_is_back_at_once_and_may_fail_as_often_as_any() -> None:
    async def scenario() -> None:
        scorer, client = await with_a_broken_canary()
        error = scorer.broken.pop("canary")
        scorer.now_s += limits.BREAKER_PROBE_MS / 1_000
        for _ in range(3):
            assert not await degraded(client, "canary")
        scorer.broken["canary"] = error
        scorer.calls()
        for _ in range(limits.BREAKER_FAILURES + 1):
            assert await degraded(client, "canary")
        assert scorer.calls() == ["canary"] * limits.BREAKER_FAILURES
        # The pause begins anew as well.
        scorer.now_s += limits.BREAKER_PROBE_MS / 1_000
        assert await degraded(client, "canary")
        assert scorer.calls() == ["canary"]

    run(scenario())


def test_while_a_version_is_tried_nobody_else_waits_for_it() -> None:
    class Slow(Versions):
        async def predict(self, version: str, matrix: Matrix) -> Matrix:
            self.asked.append(version)
            if version in self.broken:
                await asyncio.Event().wait()
            return matrix.sum(axis=1)

    async def scenario() -> None:
        scorer = Slow()
        client = ScorerClient(scorer, lambda: scorer.now_s)
        await client.probe()
        scorer.broken["canary"] = TimeoutError()
        assert not await degraded(client, "champion")
        for _ in range(limits.BREAKER_FAILURES):
            assert (await client.score("canary", MATRIX, 1)).degraded
        scorer.now_s += limits.BREAKER_PROBE_MS / 1_000
        scorer.calls()
        told = await asyncio.gather(*(client.score("canary", MATRIX, 20) for _ in range(3)))
        assert [one.degraded for one in told] == [True] * 3
        assert scorer.calls() == ["canary"]

    run(scenario())


@pytest.mark.parametrize("version", ["champion", "canary", None])
def test_a_scorer_that_is_gone_opens_the_breaker_at_once_whoever_learns_it(version: str | None) -> None:
    async def scenario() -> None:
        scorer, client = await opened()
        assert not await degraded(client, "champion")
        assert not await degraded(client, "canary")
        scorer.broken[version] = ScorerGoneError("gone")
        assert await degraded(client, version)
        assert client.open
        scorer.calls()
        for other in ("champion", "canary", None):
            assert await degraded(client, other)
        assert scorer.calls() == []

    run(scenario())


def test_a_scorer_of_which_every_version_fails_is_left_alone_as_a_whole() -> None:
    async def scenario() -> None:
        scorer, client = await opened()
        for version in ("champion", "canary", None):
            assert not await degraded(client, version)
            scorer.broken[version] = ValueError("too slow")
        for _ in range(limits.BREAKER_FAILURES):
            assert not client.open
            for version in ("champion", "canary", None):
                assert await degraded(client, version)
        assert client.open
        scorer.broken.clear()
        assert await client.probe()
        for version in ("champion", "canary", None):
            assert not await degraded(client, version)

    run(scenario())


def test_a_version_that_nobody_asked_for_long_vouches_for_no_scorer() -> None:
    async def scenario() -> None:
        scorer, client = await with_a_broken_canary()
        scorer.now_s += LATELY_S
        assert await degraded(client, "canary")
        assert not client.open
        scorer.now_s += limits.BREAKER_PAUSE_MS_MAX / 1_000
        assert await degraded(client, "canary")
        assert client.open

    run(scenario())


def test_a_ping_that_answers_wakes_no_version_and_one_that_fails_stops_none() -> None:
    async def scenario() -> None:
        scorer, client = await with_a_broken_canary()
        assert not await degraded(client, None)
        assert await degraded(client, "canary")
        assert scorer.calls() == [None]
        scorer.broken[None] = ConnectionError("no ping")
        for _ in range(limits.BREAKER_FAILURES):
            assert await degraded(client, None)
        assert not client.open
        assert not await degraded(client, "champion")

    run(scenario())


def test_the_versions_that_are_remembered_are_bounded_and_those_asked_last_stay() -> None:
    now_s = [0.0]
    standings = ScorerStandings(lambda: now_s[0])
    for _ in range(limits.BREAKER_FAILURES):
        standings.failed("broken", ValueError())
    for number in range(3 * limits.SCORERS_STANDING_MAX):
        now_s[0] += 0.001
        standings.failed("broken", ValueError())
        standings.answered(f"v{number}")
    assert len(standings._known) == limits.SCORERS_STANDING_MAX
    assert not standings.may_ask("broken")
