"""The breaker: a scorer that is gone costs a decision nothing, and one that is back is used again."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable

import numpy as np
import pytest
import uvloop
from unit.shard.rig import run

from actors.scoring.interface import Matrix, ScorerGoneError, Wanted
from actors.shard.scorer_client import ScorerClient
from models import limits
from models.turn.wave_parts import Scored

MATRIX = np.arange(6, dtype=np.float32).reshape(3, 2)


class Doubled:
    """Scores a row by its sum, unless told to fail."""

    def __init__(self) -> None:
        self.calls = self.finds = 0
        self.mode = "fine"

    async def find(self, _wanted: Wanted = ()) -> None:
        self.finds += 1
        await self.ping()

    async def ping(self) -> None:
        self.calls += 1
        if self.mode == "gone":
            raise ConnectionError("gone")
        if self.mode == "known to be gone":
            raise ScorerGoneError("gone")
        if self.mode == "silent":
            await asyncio.Event().wait()

    async def predict(self, version: str, matrix: Matrix) -> Matrix:
        await self.ping()
        scores = matrix.sum(axis=1) / np.float32(10)
        return {"short": scores[1:], "nan": scores * np.float32("nan"), "flat": scores.reshape(-1, 1)}.get(
            self.mode, scores
        )

    async def contributions(self, version: str, matrix: Matrix) -> Matrix:
        await self.ping()
        width = matrix.shape[1] + (self.mode != "short")
        return np.full((len(matrix), width), "nan" if self.mode == "nan" else 1, np.float32)


def test_rows_go_there_and_scores_come_back() -> None:
    async def scenario() -> None:
        client = ScorerClient(Doubled())
        assert await client.probe()
        scored = await client.score("v1", MATRIX, 1_000)
        assert not scored.degraded
        assert scored.scores is not None
        assert scored.scores.tolist() == pytest.approx([0.1, 0.5, 0.9])

    run(scenario())


def test_without_a_champion_evidence_decides_undegraded_while_a_scorer_is_there() -> None:
    async def scenario() -> None:
        scorer = Doubled()
        client = ScorerClient(scorer)
        await client.probe()
        nothing = np.empty((3, 0), np.float32)
        scored = await client.score(None, nothing, 1_000)
        assert (scored.scores, scored.degraded) == (None, False)
        scorer.mode = "gone"
        assert (await client.score(None, nothing, 1_000)).degraded

    run(scenario())


@pytest.mark.parametrize("mode", ["gone", "silent", "short", "nan", "flat"])
def test_a_scorer_that_fails_is_left_alone_until_a_probe_succeeds(mode: str) -> None:
    async def scenario() -> None:
        scorer = Doubled()
        client = ScorerClient(scorer)
        await client.probe()
        scorer.mode = mode
        for _ in range(limits.BREAKER_FAILURES):
            assert not client.open
            assert (await client.score("v1", MATRIX, 1)).degraded
        assert client.open
        calls = scorer.calls
        assert (await client.score("v1", MATRIX, 1_000)).degraded
        assert scorer.calls == calls
        scorer.mode = "fine"
        assert await client.probe()
        assert not (await client.score("v1", MATRIX, 1_000)).degraded

    run(scenario())


def test_who_is_known_to_be_gone_is_looked_for_after_one_failure() -> None:
    async def scenario() -> None:
        scorer = Doubled()
        client = ScorerClient(scorer)
        await client.probe()
        scorer.mode = "known to be gone"
        assert (await client.score("v1", MATRIX, 1_000)).degraded
        assert client.open
        assert not await client.probe()
        assert client.open

    run(scenario())


@pytest.mark.parametrize("mode", ["gone", "silent", "short", "nan"])
def test_contributions_that_do_not_come_open_no_breaker(mode: str) -> None:
    async def scenario() -> None:
        scorer = Doubled()
        client = ScorerClient(scorer)
        assert await client.contributions("v1", MATRIX, 1) is None
        await client.probe()
        found = await client.contributions("v1", MATRIX, 1_000)
        assert found is not None
        assert found.shape == (3, 3)
        scorer.mode = mode
        for _ in range(limits.BREAKER_FAILURES + 1):
            assert await client.contributions("v1", MATRIX, 1) is None
        assert not client.open

    run(scenario())


def test_the_background_probe_closes_the_breaker() -> None:
    async def scenario() -> None:
        client = ScorerClient(Doubled())
        assert client.open
        probing = asyncio.create_task(client.keep_probing())
        while client.open:  # noqa: ASYNC110
            await asyncio.sleep(0)
        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)

    run(scenario())


def test_a_better_place_is_looked_for_while_all_is_well_and_a_look_in_vain_opens_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SCORER_LOOK_MS", 0)
    monkeypatch.setattr(limits, "BREAKER_PROBE_MS", 0)

    async def scenario() -> None:
        scorer = Doubled()
        client = ScorerClient(scorer)
        await client.probe()
        scorer.mode = "gone"
        probing = asyncio.create_task(client.keep_probing())
        while scorer.finds < 5:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert not client.open
        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)

    run(scenario())


def test_a_scorer_that_answers_probes_alone_is_probed_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else every few decisions would wait their whole time for a scorer that is too slow for them."""
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def paused(delay_s: float) -> None:
        if delay_s:
            pauses.append(delay_s * 1_000)
        await sleep(0)

    async def broken(*_: object) -> Matrix:
        raise ValueError("too slow for rows")

    async def scenario() -> None:
        scorer = Doubled()
        client = ScorerClient(scorer)
        monkeypatch.setattr(asyncio, "sleep", paused)
        monkeypatch.setattr(scorer, "predict", broken)
        probing = asyncio.create_task(client.keep_probing())
        for _ in range(8):
            while client.open:
                await sleep(0)
            while not client.open:
                assert (await client.score("v1", MATRIX, 1_000)).degraded
        assert pauses == [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]
        monkeypatch.undo()
        monkeypatch.setattr(asyncio, "sleep", paused)
        while client.open:
            await sleep(0)
        assert not (await client.score("v1", MATRIX, 1_000)).degraded
        pauses.clear()
        scorer.mode = "known to be gone"
        assert (await client.score("v1", MATRIX, 1_000)).degraded
        scorer.mode = "fine"
        while client.open:
            await sleep(0)
        assert pauses == []
        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)

    run(scenario())


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_an_answer_that_came_while_the_process_was_kept_from_its_cpu_counts(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    near, far = socket.socketpair()
    near.setblocking(False)

    class OverASocket(Doubled):
        async def predict(self, version: str, matrix: Matrix) -> Matrix:
            return np.frombuffer(await asyncio.get_running_loop().sock_recv(near, 100), np.float32)

    wait_s = 0.02

    async def asked_in_time() -> asyncio.Task[Scored]:
        """A question whose time is not over yet, on a machine of any speed."""
        while True:
            client = ScorerClient(OverASocket())
            await client.probe()
            asked = time.perf_counter()
            scoring = asyncio.create_task(client.score("v1", MATRIX, wait_s * 1_000))
            for _ in range(3):
                await asyncio.sleep(0)
            if time.perf_counter() < asked + wait_s / 2:
                return scoring
            await scoring

    async def scenario() -> None:
        scoring = await asked_in_time()
        far.send(np.ones(3, np.float32).tobytes())
        until = time.perf_counter() + 2 * wait_s
        while time.perf_counter() < until:
            pass
        scored = await scoring
        assert scored.scores is not None
        assert scored.scores.tolist() == [1, 1, 1]

    loop = new_loop()
    try:
        loop.run_until_complete(scenario())
    finally:
        loop.close()
        near.close()
        far.close()


def test_who_stops_waiting_for_scores_stops_the_asking() -> None:
    async def scenario() -> None:
        ended: list[bool] = []

        class Silent(Doubled):
            async def predict(self, version: str, matrix: Matrix) -> Matrix:
                try:
                    return await asyncio.Event().wait()  # type: ignore[return-value]
                finally:
                    ended.append(True)

        client = ScorerClient(Silent())
        await client.probe()
        scoring = asyncio.create_task(client.score("v1", MATRIX, 60_000))
        for _ in range(3):
            await asyncio.sleep(0)
        scoring.cancel()
        await asyncio.gather(scoring, return_exceptions=True)
        await asyncio.sleep(0)
        assert (scoring.cancelled(), ended, client.open) == (True, [True], False)

    run(scenario())
