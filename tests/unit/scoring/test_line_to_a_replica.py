"""The line to a replica: found by an address, left for a better one without losing what is asked, missed when gone."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from actors.link.address import Address
from actors.link.errors import LinkFailed, LinkGone
from actors.link.server import LinkServer
from actors.scoring.interface import ScorerGoneError
from actors.scoring.line import ReplicaLine
from actors.scoring.wire import METHOD, PING, PURPOSE

KEY = b"k" * 32


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


class Replica:
    """Answers with its name; may be held back."""

    def __init__(self, name: bytes, purpose: str = PURPOSE) -> None:
        self._name = name
        self._server = LinkServer(self._answer, KEY, purpose)
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked: list[bytes] = []

    async def _answer(self, method: str, payload: bytes) -> bytes:
        assert method == METHOD
        self.asked.append(payload)
        if payload == b"broken":
            raise ValueError("it cannot be scored")
        if payload != PING:
            await self.may_answer.wait()
        return self._name

    async def start(self) -> Address:
        self.address = await self._server.start("127.0.0.1")
        return self.address

    async def kill(self) -> None:
        await self._server.stop()


class Serve:
    """Tells the address of whom it likes, or fails."""

    def __init__(self) -> None:
        self.tells: Address | None = None

    async def __call__(self) -> Address:
        if self.tells is None:
            raise ConnectionError("Serve is not there")
        return self.tells


async def _pair(serve: Serve) -> tuple[Replica, Replica, ReplicaLine]:
    first, second = Replica(b"first"), Replica(b"second")
    serve.tells = await first.start()
    await second.start()
    return first, second, ReplicaLine(serve, KEY)


async def _over(line: ReplicaLine, *replicas: Replica) -> None:
    line.close()
    for replica in replicas:
        await replica.kill()


def test_nobody_is_asked_before_somebody_is_found() -> None:
    async def scenario() -> None:
        serve = Serve()
        line = ReplicaLine(serve, KEY)
        with pytest.raises(ScorerGoneError):
            await line.call(b"x")
        with pytest.raises(ConnectionError):
            await line.find()

    run(scenario())


def test_a_replica_that_is_killed_is_missed_at_once_and_another_is_found() -> None:
    async def scenario() -> None:
        serve = Serve()
        first, second, line = await _pair(serve)
        await line.find()
        assert await line.call(b"x") == b"first"
        first.may_answer.clear()
        in_flight = asyncio.create_task(line.call(b"y"))
        while b"y" not in first.asked:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await first.kill()
        with pytest.raises(ScorerGoneError):
            await in_flight
        with pytest.raises(ScorerGoneError):
            await line.call(b"z")
        serve.tells = second.address
        await line.find()
        assert await line.call(b"z") == b"second"
        await _over(line, second)

    run(scenario())


def test_a_better_place_is_taken_and_what_was_asked_before_is_answered() -> None:
    async def scenario() -> None:
        serve = Serve()
        first, second, line = await _pair(serve)
        await line.find()
        first.may_answer.clear()
        before = asyncio.create_task(line.call(b"y"))
        while b"y" not in first.asked:  # noqa: ASYNC110
            await asyncio.sleep(0)
        serve.tells = second.address
        await line.find()
        assert await line.call(b"z") == b"second"
        first.may_answer.set()
        assert await before == b"first"
        await line.find()  # the former connection is let go
        await _over(line, first, second)

    run(scenario())


def test_the_same_place_again_costs_no_new_connection() -> None:
    async def scenario() -> None:
        serve = Serve()
        first, second, line = await _pair(serve)
        for _ in range(3):
            await line.find()
        assert first.asked == [PING]
        await _over(line, first, second)

    run(scenario())


def test_who_is_known_stays_while_serve_says_nothing_or_names_somebody_who_is_not_there() -> None:
    async def scenario() -> None:
        serve = Serve()
        first, second, line = await _pair(serve)
        await line.find()
        serve.tells = None
        await line.find()
        assert await line.call(b"x") == b"first"
        await second.kill()
        serve.tells = second.address
        with pytest.raises(LinkGone):
            await line.find()
        assert await line.call(b"x") == b"first"
        await _over(line, first)

    run(scenario())


def test_a_request_that_cannot_be_scored_does_not_mean_that_nobody_is_there() -> None:
    async def scenario() -> None:
        serve = Serve()
        first, second, line = await _pair(serve)
        await line.find()
        with pytest.raises(LinkFailed):
            await line.call(b"broken")
        assert await line.call(b"x") == b"first"
        await _over(line, first, second)

    run(scenario())


@pytest.mark.parametrize("wrong", ["key", "purpose"])
def test_no_row_goes_to_whoever_cannot_prove_that_it_is_our_scorer(wrong: str) -> None:
    async def scenario() -> None:
        serve = Serve()
        stranger = Replica(b"stranger", "shard 0" if wrong == "purpose" else PURPOSE)
        serve.tells = await stranger.start()
        line = ReplicaLine(serve, b"x" * 32 if wrong == "key" else KEY)
        with pytest.raises(LinkGone):
            await line.find()
        with pytest.raises(ScorerGoneError):
            await line.call(b"rows")
        assert stranger.asked == []
        await _over(line, stranger)

    run(scenario())
