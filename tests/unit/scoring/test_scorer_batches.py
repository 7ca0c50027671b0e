"""The scorer's batches: what is answered together, and whom a failure or a caller's leaving concerns."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from actors.scoring.engine import Answer, Batcher
from actors.scoring.wire import Asked
from models import limits
from models.errors import BadInput


def asked(version: str) -> Asked:
    return Asked(version, np.empty((0, 0), np.float32), False)


class Engine:
    """Answers a request with its version; ``broken`` raises for the whole batch, ``bad`` fails alone."""

    def __init__(self) -> None:
        self.batches: list[list[str | None]] = []

    def answer(self, batch: list[Asked]) -> list[Answer]:
        versions = [request.version for request in batch]
        self.batches.append(versions)
        if "broken" in versions:
            raise RuntimeError("the library failed")
        return [BadInput("malformed") if version == "bad" else str(version).encode() for version in versions]


def test_what_arrives_in_one_round_is_answered_together_and_in_order() -> None:
    async def body() -> None:
        engine = Engine()
        batcher = Batcher(engine.answer)
        answers = await asyncio.gather(*(batcher.submit(request) for request in map(asked, ("a", "bad", "c"))))
        assert engine.batches == [["a", "bad", "c"]]
        assert (answers[0], answers[2]) == (b"a", b"c")
        assert isinstance(answers[1], BadInput)
        assert await batcher.submit(asked("d")) == b"d"

    asyncio.run(body())


def test_a_batch_is_bounded_and_the_rest_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SCORER_BATCH_MAX", 2)

    async def body() -> None:
        engine = Engine()
        batcher = Batcher(engine.answer)
        answers = await asyncio.gather(*(batcher.submit(asked(str(number))) for number in range(5)))
        assert answers == [b"0", b"1", b"2", b"3", b"4"]
        assert engine.batches == [["0", "1"], ["2", "3"], ["4"]]

    asyncio.run(body())


def test_who_has_gone_is_not_worked_for() -> None:
    async def body() -> None:
        engine = Engine()
        batcher = Batcher(engine.answer)
        gone, stays = batcher.submit(asked("gone")), batcher.submit(asked("stays"))
        gone.cancel()
        assert await stays == b"stays"
        assert engine.batches == [["stays"]]

    asyncio.run(body())


def test_an_engine_that_fails_fails_its_batch_and_not_the_next() -> None:
    async def body() -> None:
        batcher = Batcher(Engine().answer)
        both = [batcher.submit(asked(version)) for version in ("broken", "b")]
        failed = await asyncio.gather(*both, return_exceptions=True)
        assert [type(error) for error in failed] == [RuntimeError, RuntimeError]
        assert await batcher.submit(asked("c")) == b"c"

    asyncio.run(body())
