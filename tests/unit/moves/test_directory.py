"""Who serves a shard is found among its incarnations, and no one that is silent, old or gone is in the way."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ray.exceptions import ActorDiedError, RayTaskError

from actors.directory import Directory
from actors.link.address import Address
from actors.naming import COORDINATOR, parse_shard_name, shard_name
from models import limits
from models.canonical import pack
from models.errors import NotServing


class Method:
    def __init__(self, work: Callable[..., Awaitable[bytes]]) -> None:
        self.remote = work


class Incarnation:
    """A handle. ``port`` 0: it does not serve; ``silent``: it never answers; ``dead``: Ray says so."""

    def __init__(self, port: int = 0, *, silent: bool = False, dead: bool = False) -> None:
        self.port, self.silent, self.dead = port, silent, dead
        self.asked = 0
        self.refuses = False
        self.address, self.status, self.journal = Method(self._address), Method(self._status), Method(self._journal)

    async def _address(self, wait_ms: int) -> bytes:
        self.asked += 1
        await self._reach()
        if not self.port and wait_ms:
            await asyncio.sleep(0)
        return Address("127.0.0.1", self.port, b"i" * 16).to_wire() if self.port else b""

    async def _status(self) -> bytes:
        await self._reach()
        self._refuse()
        return pack({"port": self.port})

    async def _journal(self, after: int) -> bytes:
        await self._reach()
        self._refuse()
        return b"rows after %d" % after

    async def _reach(self) -> None:
        if self.silent:
            await asyncio.Future[None]()
        if self.dead:
            raise ActorDiedError

    def _refuse(self) -> None:
        if self.refuses:
            raise RayTaskError("journal", "trace", NotServing("released"))


class Named:
    """The names of a cluster, kept by the test."""

    def __init__(self, **shards: Incarnation) -> None:
        self.actors: dict[str, Any] = {COORDINATOR: object()}
        self.looks = 0
        self.blocks_s = 0.0

    def put(self, shard: int, incarnation: int, actor: Incarnation) -> Incarnation:
        self.actors[shard_name(shard, incarnation)] = actor
        return actor

    def known(self) -> list[str]:
        self.looks += 1
        threading.Event().wait(self.blocks_s)
        return list(self.actors)

    def find(self, name: str) -> Any:
        if name not in self.actors:
            raise ValueError(name)
        return self.actors[name]


def run(test: Callable[[Named, Directory], Awaitable[None]]) -> None:
    async def main() -> None:
        named = Named()
        await asyncio.wait_for(test(named, Directory(named)), 30)

    asyncio.run(main())


def test_names_of_incarnations_are_told_from_others() -> None:
    assert parse_shard_name(shard_name(3, 12)) == (3, 12)
    for name in (COORDINATOR, "kairos-shard-3", "kairos-shard-3.x", "kairos-shard-.1", "3.1", "other-3.1"):
        assert parse_shard_name(name) is None


def test_the_one_that_serves_is_found_beside_a_standby_and_a_dead_one() -> None:
    async def test(named: Named, directory: Directory) -> None:
        named.put(0, 2, Incarnation(dead=True))
        named.put(0, 3, Incarnation(7))
        named.put(0, 10, Incarnation())
        named.put(1, 99, Incarnation(8))
        found = await directory.serving(0)
        assert (found.name, found.address.port) == (shard_name(0, 3), 7)

    run(test)


def test_of_two_that_say_they_serve_the_newer_is_taken() -> None:
    async def test(named: Named, directory: Directory) -> None:
        named.put(0, 9, Incarnation(7))
        named.put(0, 10, Incarnation(8))
        assert (await directory.serving(0)).address.port == 8

    run(test)


def test_a_newest_that_is_cut_off_is_not_waited_for() -> None:
    async def test(named: Named, directory: Directory) -> None:
        named.put(0, 1, Incarnation(7))
        cut_off = named.put(0, 2, Incarnation(silent=True))
        for _ in range(3):
            began = time.monotonic()
            assert (await directory.serving(0)).address.port == 7
            assert time.monotonic() - began < 5 * limits.DIRECTORY_LATER_MS / 1_000
        assert cut_off.asked == 1, "a question to one that is silent is asked once"

    run(test)


def test_a_look_without_anybody_who_serves_ends_and_says_so() -> None:
    async def test(named: Named, directory: Directory) -> None:
        with pytest.raises(NotServing):
            await directory.serving(0)
        named.put(0, 1, Incarnation())
        with pytest.raises(NotServing):
            await directory.serving(0)

    run(test)


def test_one_that_serves_later_is_waited_for() -> None:
    async def test(named: Named, directory: Directory) -> None:
        standby = named.put(0, 2, Incarnation())
        named.put(0, 1, Incarnation(dead=True))
        waiting = asyncio.ensure_future(directory.serving(0, 10.0))
        while standby.asked < 3:  # noqa: ASYNC110
            await asyncio.sleep(0)
        standby.port = 9
        assert (await waiting).address.port == 9

    run(test)


def test_one_that_is_made_later_is_waited_for() -> None:
    async def test(named: Named, directory: Directory) -> None:
        waiting = asyncio.ensure_future(directory.serving(0, 10.0))
        while named.looks < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        named.put(0, 1, Incarnation(9))
        assert (await waiting).address.port == 9

    run(test)


def test_many_who_look_at_once_cost_one_look() -> None:
    async def test(named: Named, directory: Directory) -> None:
        named.blocks_s = 0.02
        actors = [named.put(shard, 1, Incarnation(shard + 1)) for shard in range(8)]
        found = await asyncio.gather(*(directory.serving(n % 8) for n in range(64)))
        assert [one.address.port for one in found] == [n % 8 + 1 for n in range(64)]
        assert named.looks == 1
        assert {actor.asked for actor in actors} == {1}

    run(test)


def test_names_that_cannot_be_had_are_not_waited_for_when_some_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DIRECTORY_NAMES_MS_MAX", 20)

    async def test(named: Named, directory: Directory) -> None:
        named.put(0, 1, Incarnation(7))
        await directory.serving(0)
        monkeypatch.setattr(limits, "DIRECTORY_FRESH_MS", 0)
        named.blocks_s = 0.5
        began = time.monotonic()
        assert (await directory.serving(0)).address.port == 7
        assert time.monotonic() - began < 0.4

    run(test)


def test_a_call_goes_to_who_serves_and_to_the_next_one_after_a_move() -> None:
    async def test(named: Named, directory: Directory) -> None:
        old = named.put(0, 1, Incarnation(7))
        assert await directory.call(0, "journal", 5) == b"rows after 5"
        asked = old.asked
        await directory.call(0, "journal", 6)
        assert old.asked == asked, "who serves is remembered"
        old.port, old.refuses = 0, True
        named.put(0, 2, Incarnation(8))
        assert await directory.call(0, "journal", 7) == b"rows after 7"
        named.actors[shard_name(0, 2)].dead = True
        with pytest.raises(NotServing):
            await directory.call(0, "journal", 8)

    run(test)


def test_an_error_of_the_call_itself_is_the_callers() -> None:
    async def test(named: Named, directory: Directory) -> None:
        actor = named.put(0, 1, Incarnation(7))

        async def broken(_: int) -> bytes:
            raise RayTaskError("journal", "trace", ValueError("a bug"))

        actor.journal = Method(broken)
        with pytest.raises(RayTaskError):
            await directory.call(0, "journal", 5)

    run(test)


def test_the_status_of_a_shard_that_nobody_serves_is_that_of_its_newest_incarnation(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DIRECTORY_FRESH_MS", 0)

    async def test(named: Named, directory: Directory) -> None:
        named.put(0, 1, Incarnation(dead=True))
        with pytest.raises(NotServing):
            await directory.status(0)
        named.put(0, 2, Incarnation())
        assert await directory.status(0) == pack({"port": 0})
        named.put(0, 1, Incarnation(7))
        assert await directory.status(0) == pack({"port": 7})

    run(test)
