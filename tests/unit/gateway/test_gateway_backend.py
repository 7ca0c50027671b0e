"""The live backend: batches over a link to wherever the shard's actor says it is, its losses as ``ShardGone``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from actors import naming
from actors.directory import Directory
from actors.gateway.batching import ShardGone
from actors.gateway.shards import ActorFailed, LiveBackend
from actors.link.server import LinkServer
from models.errors import NotServing

KEY = b"k" * 32


class Method:
    def __init__(self, answer: Callable[..., Awaitable[bytes]]) -> None:
        self.remote = answer


class Incarnation:
    """A handle, as Ray gives them: tells where it listens, b"" while it does not serve."""

    def __init__(self, asked: list[str], name: str) -> None:
        self.wire = b""
        self._asked, self._name = asked, name
        self.address = Method(self._address)

    async def _address(self, wait_ms: int) -> bytes:
        self._asked.append(self._name)
        return self.wire


class Shards(LiveBackend):
    """The named actors are of this test: each tells the address of a link server that it runs."""

    def __init__(self, key: bytes = KEY) -> None:
        super().__init__(key, Directory(self))
        self.servers: dict[str, LinkServer] = {}
        self.named: dict[str, Incarnation] = {}
        self.asked: list[str] = []

    def known(self) -> list[str]:
        return [*self.named, naming.COORDINATOR]

    def find(self, name: str) -> Any:
        return self.named[name]

    async def begin(self, shard: int, handle: Callable[[str, bytes], Awaitable[bytes]], incarnation: int = 1) -> None:
        name = naming.shard_name(shard, incarnation)
        if name in self.servers:
            await self.servers[name].stop()
        self.servers[name] = LinkServer(handle, KEY, naming.shard_purpose(shard))
        actor = self.named.setdefault(name, Incarnation(self.asked, name))
        actor.wire = (await self.servers[name].start("127.0.0.1")).to_wire()


def run(test: Callable[[Shards], Awaitable[None]], key: bytes = KEY) -> None:
    async def main() -> None:
        shards = Shards(key)
        try:
            await test(shards)
        finally:
            for server in shards.servers.values():
                await server.stop()

    asyncio.run(main())


async def echo(method: str, payload: bytes) -> bytes:
    assert method == naming.SHARD_HANDLE
    return payload


async def broken(method: str, payload: bytes) -> bytes:
    raise ValueError("a bug")


def test_a_batch_reaches_its_own_shard_and_its_actor_is_asked_once_where_that_is() -> None:
    async def test(shards: Shards) -> None:
        for number in (0, 1):
            await shards.begin(number, echo)
        answers = await asyncio.gather(*(shards.batch(n % 2, b"%d" % n) for n in range(20)))
        assert answers == [b"%d" % n for n in range(20)]
        assert sorted(shards.asked) == [naming.shard_name(0, 1), naming.shard_name(1, 1)]

    run(test)


def test_shards_that_are_there_are_dialled_before_the_first_batch_and_the_others_are_not_waited_for() -> None:
    async def test(shards: Shards) -> None:
        await shards.begin(0, echo)
        await shards.dial(2, 0.2)
        shards.asked.clear()
        assert await shards.batch(0, b"x", True) == b"x"  # on a connection that is there, or not at all
        with pytest.raises(ShardGone):
            await shards.batch(1, b"x", True)
        assert shards.asked == []

    run(test)


def test_a_shard_that_died_in_mid_call_is_gone_and_found_where_it_is_now() -> None:
    async def test(shards: Shards) -> None:
        arrived = asyncio.Event()

        async def never(method: str, payload: bytes) -> bytes:
            arrived.set()
            return await asyncio.Future[bytes]()

        await shards.begin(0, never)
        call = asyncio.ensure_future(shards.batch(0, b"x"))
        await arrived.wait()
        await shards.begin(0, echo)
        with pytest.raises(ShardGone):
            await call
        assert await shards.batch(0, b"again") == b"again"

    run(test)


def test_a_batch_waits_for_a_shard_that_is_not_there_yet() -> None:
    async def test(shards: Shards) -> None:
        call = asyncio.ensure_future(shards.batch(0, b"x"))
        while shards._directory._look is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await shards.begin(0, echo)
        assert await call == b"x"

    run(test)


def test_a_shard_that_moved_is_found_in_its_next_incarnation_after_it_hung_up() -> None:
    async def released(method: str, payload: bytes) -> bytes:
        raise NotServing("released")

    async def test(shards: Shards) -> None:
        await shards.begin(0, released)
        with pytest.raises(ShardGone):
            await shards.batch(0, b"x")
        shards.named[naming.shard_name(0, 1)].wire = b""
        await shards.begin(0, echo, incarnation=2)
        assert await shards.batch(0, b"x") == b"x"

    run(test)


def test_a_shard_that_hangs_up_without_a_call_in_flight_is_looked_for_before_the_next_is_sent() -> None:
    async def test(shards: Shards) -> None:
        await shards.begin(0, echo)
        await shards.batch(0, b"x")
        await shards.begin(0, echo, incarnation=2)
        old = naming.shard_name(0, 1)
        shards.named[old].wire = b""
        shards.servers[old].hang_up(wait_ms=1)
        while not shards._links[0]._connection.is_lost:  # type: ignore[union-attr]  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert await shards.batch(0, b"y") == b"y"

    run(test)


def test_the_link_of_another_shard_takes_no_batch_of_this_one() -> None:
    async def test(shards: Shards) -> None:
        await shards.begin(1, echo)
        shards.named[naming.shard_name(0, 1)] = shards.named[naming.shard_name(1, 1)]
        with pytest.raises(ShardGone, match="secret"):
            await shards.batch(0, b"x")

    run(test)


def test_a_gateway_of_another_installation_gets_nothing_through() -> None:
    async def test(shards: Shards) -> None:
        await shards.begin(0, echo)
        with pytest.raises(ShardGone, match="secret"):
            await shards.batch(0, b"x")

    run(test, key=b"o" * 32)


def test_a_shard_that_fails_is_not_asked_again() -> None:
    async def test(shards: Shards) -> None:
        await shards.begin(0, broken)
        with pytest.raises(ActorFailed, match="ValueError"):
            await shards.batch(0, b"x")

    run(test)
