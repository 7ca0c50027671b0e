"""The scorer's batches: what is answered together, and whom a failure or a caller's leaving concerns."""

from __future__ import annotations

import asyncio

import pytest

from actors.scorer import Batcher
from models import limits
from models.errors import BadInput, KairosError


class Engine:
    """Answers a request with itself; ``broken`` raises for the whole batch, ``bad`` fails alone."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []

    def answer(self, requests: list[bytes]) -> list[bytes | KairosError]:
        self.batches.append(requests)
        if b"broken" in requests:
            raise RuntimeError("the library failed")
        return [BadInput("malformed") if request == b"bad" else request for request in requests]


def test_what_arrives_in_one_round_is_answered_together_and_in_order() -> None:
    async def body() -> None:
        engine = Engine()
        batcher = Batcher(engine.answer)
        answers = await asyncio.gather(*(batcher.submit(request) for request in (b"a", b"bad", b"c")))
        assert engine.batches == [[b"a", b"bad", b"c"]]
        assert (answers[0], answers[2]) == (b"a", b"c")
        assert isinstance(answers[1], BadInput)
        assert await batcher.submit(b"d") == b"d"

    asyncio.run(body())


def test_a_batch_is_bounded_and_the_rest_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SCORER_BATCH_MAX", 2)

    async def body() -> None:
        engine = Engine()
        batcher = Batcher(engine.answer)
        asked = [b"%d" % number for number in range(5)]
        assert await asyncio.gather(*map(batcher.submit, asked)) == asked
        assert engine.batches == [[b"0", b"1"], [b"2", b"3"], [b"4"]]

    asyncio.run(body())


def test_who_has_gone_is_not_worked_for() -> None:
    async def body() -> None:
        engine = Engine()
        batcher = Batcher(engine.answer)
        gone, stays = batcher.submit(b"gone"), batcher.submit(b"stays")
        gone.cancel()
        assert await stays == b"stays"
        assert engine.batches == [[b"stays"]]

    asyncio.run(body())


def test_an_engine_that_fails_fails_its_batch_and_not_the_next() -> None:
    async def body() -> None:
        batcher = Batcher(Engine().answer)
        failed = await asyncio.gather(batcher.submit(b"broken"), batcher.submit(b"b"), return_exceptions=True)
        assert [type(error) for error in failed] == [RuntimeError, RuntimeError]
        assert await batcher.submit(b"c") == b"c"

    asyncio.run(body())
