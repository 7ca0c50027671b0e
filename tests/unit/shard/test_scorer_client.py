"""The breaker: a scorer that is gone costs a decision nothing, and one that is back is used again."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from unit.shard.rig import run

from actors.shard.scorer_client import ScorerClient
from models import limits
from models.canonical import pack, unpack

MATRIX = np.arange(6, dtype=np.float32).reshape(3, 2)


class Scorer:
    def __init__(self) -> None:
        self.calls = 0
        self.mode = "fine"

    async def __call__(self, request: bytes) -> bytes:
        self.calls += 1
        asked = unpack(request)
        if self.mode == "gone":
            raise ConnectionError("gone")
        if self.mode == "silent":
            await asyncio.Event().wait()
        if asked["version"] is None:
            return pack({"version": None})
        matrix = np.frombuffer(asked["data"], "<f4").reshape(asked["rows"], asked["cols"])
        scores = matrix.sum(axis=1) / 10
        if self.mode == "short":
            scores = scores[1:]
        if self.mode == "nan":
            scores = scores * np.float32("nan")
        version = "other" if self.mode == "other" else asked["version"]
        return pack({"version": version, "scores": scores.astype("<f4").tobytes()})


def test_rows_go_there_and_scores_come_back() -> None:
    async def scenario() -> None:
        client = ScorerClient(Scorer())
        assert await client.probe()
        scored = await client.score("v1", MATRIX, 1_000)
        assert not scored.degraded
        assert scored.scores is not None
        assert scored.scores.tolist() == pytest.approx([0.1, 0.5, 0.9])

    run(scenario())


def test_without_a_champion_evidence_decides_undegraded() -> None:
    async def scenario() -> None:
        client = ScorerClient(Scorer())
        await client.probe()
        scored = await client.score(None, np.empty((3, 0), np.float32), 1_000)
        assert (scored.scores, scored.degraded) == (None, False)

    run(scenario())


@pytest.mark.parametrize("mode", ["gone", "silent", "short", "nan", "other"])
def test_a_scorer_that_fails_is_left_alone_until_a_probe_succeeds(mode: str) -> None:
    async def scenario() -> None:
        scorer = Scorer()
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


def test_the_background_probe_closes_the_breaker() -> None:
    async def scenario() -> None:
        client = ScorerClient(Scorer())
        assert client.open
        probing = asyncio.create_task(client.keep_probing())
        while client.open:  # noqa: ASYNC110
            await asyncio.sleep(0)
        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)

    run(scenario())
