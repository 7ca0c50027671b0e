"""The scorer inside a shard: files are read aside, nobody waits longer than it likes, and what takes long leaves the
event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.trained_scorers import trained

from actors.scorer_registry import ScorerRegistry
from actors.scoring.in_process import InProcessScorer
from actors.scoring.loaded import LoadedScorers
from actors.shard.scorer_client import ScorerClient
from models import limits
from models.errors import BadInput
from models.scoring.booster import Booster

ONE = trained(3)
VERSION = ONE.manifest.version
ROWS = np.ones((3, 2), np.float32)
SCORES = Booster(ONE.model, ONE.manifest).predict(ROWS).tobytes()


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


class Slow(LoadedScorers):
    """Reads no file before it is told to. ``reads`` counts."""

    def __init__(self, directory: Path) -> None:
        registry = ScorerRegistry(directory)
        registry.register(ONE.model, ONE.manifest)
        super().__init__(registry)
        self.go_on = threading.Event()
        self.reads = 0
        self.fails = False

    def load(self, version: str) -> Booster:
        self.reads += 1
        assert self.go_on.wait(30)
        if self.fails:
            raise BadInput("the file is damaged")
        return super().load(version)


def test_a_decision_waits_for_trees_that_are_being_read_no_longer_than_its_time(tmp_path: Path) -> None:
    slow = Slow(tmp_path)

    async def scenario() -> None:
        client = ScorerClient(InProcessScorer(lambda: slow))
        assert (await client.score(VERSION, ROWS, 1_000)).degraded
        assert await client.probe()
        assert (await client.score(VERSION, ROWS, 5)).degraded
        waiting = asyncio.create_task(client.score(VERSION, ROWS, 60_000))
        await asyncio.sleep(0)
        slow.go_on.set()
        scored = await waiting
        assert scored.scores is not None
        assert (scored.degraded, scored.scores.tobytes()) == (False, SCORES)
        assert slow.reads == 1

    run(scenario())


def test_trees_that_could_not_be_read_are_read_again_for_the_next_who_asks(tmp_path: Path) -> None:
    slow = Slow(tmp_path)
    slow.go_on.set()
    slow.fails = True

    async def scenario() -> None:
        scorer = InProcessScorer(lambda: slow)
        with pytest.raises(BadInput):
            await scorer.predict(VERSION, ROWS)
        slow.fails = False
        assert (await scorer.predict(VERSION, ROWS)).tobytes() == SCORES

    run(scenario())


def test_a_registry_that_cannot_be_opened_is_tried_again_by_the_next_probe(tmp_path: Path) -> None:
    found: list[Exception | LoadedScorers] = [OSError("the disk is away"), Slow(tmp_path)]

    def open_scorers() -> LoadedScorers:
        one = found.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    async def scenario() -> None:
        client = ScorerClient(InProcessScorer(open_scorers))
        assert not await client.probe()
        assert client.open
        assert await client.probe()
        assert not client.open

    run(scenario())


class Watched(Booster):
    """Knows which threads asked it."""

    def __init__(self) -> None:
        self.threads: set[str] = set()
        super().__init__(ONE.model, ONE.manifest)
        self.threads.clear()

    def predict(self, matrix: Any) -> Any:
        self.threads.add(threading.current_thread().name)
        return super().predict(matrix)

    def contributions(self, matrix: Any) -> Any:
        self.threads.add(threading.current_thread().name)
        return super().contributions(matrix)


def test_few_rows_are_scored_on_the_spot_and_many_in_a_thread_to_the_same_bits(tmp_path: Path) -> None:
    booster = Watched()
    loaded = Slow(tmp_path)
    loaded._loaded[VERSION] = booster
    few = limits.SCORER_INLINE_VISITS_MAX // booster.trees

    async def scenario() -> None:
        scorer = InProcessScorer(lambda: loaded)
        on_the_spot = await scorer.predict(VERSION, np.ones((few, 2), np.float32))
        assert booster.threads == {threading.main_thread().name}
        booster.threads.clear()
        aside = await scorer.predict(VERSION, np.ones((few + 1, 2), np.float32))
        assert {name.split("_")[0] for name in booster.threads} == {"scoring"}
        assert aside[:few].tobytes() == on_the_spot.tobytes()
        booster.threads.clear()
        await scorer.contributions(VERSION, ROWS)
        assert {name.split("_")[0] for name in booster.threads} == {"explaining"}

    run(scenario())


def test_a_wave_that_is_too_large_for_its_time_is_given_up(tmp_path: Path) -> None:
    held = threading.Event()

    class Held(Booster):
        def predict(self, matrix: Any) -> Any:
            assert held.wait(30)
            return super().predict(matrix)

    loaded = Slow(tmp_path)
    loaded._loaded[VERSION] = booster = Held(ONE.model, ONE.manifest)
    many = np.ones((limits.SCORER_INLINE_VISITS_MAX // booster.trees + 1, 2), np.float32)

    async def scenario() -> None:
        client = ScorerClient(InProcessScorer(lambda: loaded))
        await client.probe()
        try:
            assert (await client.score(VERSION, many, 5)).degraded
        finally:
            held.set()

    run(scenario())
