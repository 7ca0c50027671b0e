"""The live backend: batches over a link to wherever the shard's actor says it is, its losses as ``ShardGone``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from actors import naming
from actors.gateway.batching import ShardGone
from actors.gateway.shards import ActorFailed, LiveBackend
from actors.link.server import LinkServer

KEY = b"k" * 32


class Shards(LiveBackend):
    """The named actors are of this test: each tells the address of a link server that it runs."""

    def __init__(self, key: bytes = KEY) -> None:
        super().__init__(key)
        self.servers: dict[str, LinkServer] = {}
        self.addresses: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []

    async def begin(self, shard: int, handle: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        name = naming.shard_name(shard)
        if name in self.servers:
            await self.servers[name].stop()
        self.servers[name] = LinkServer(handle, KEY, naming.shard_purpose(shard))
        self.addresses[name] = (await self.servers[name].start("127.0.0.1")).to_wire()

    async def _call(self, name: str, method: str, args: tuple[Any, ...]) -> bytes:
        self.asked.append((name, method))
        if name not in self.addresses:
            raise ShardGone(f"{name}: restarting")
        return self.addresses[name]


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
        assert sorted(shards.asked) == [(naming.shard_name(0), "address"), (naming.shard_name(1), "address")]

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


def test_a_shard_that_is_not_there_yet_is_gone() -> None:
    async def test(shards: Shards) -> None:
        with pytest.raises(ShardGone, match="restarting"):
            await shards.batch(0, b"x")
        await shards.begin(0, echo)
        assert await shards.batch(0, b"x") == b"x"

    run(test)


def test_the_link_of_another_shard_takes_no_batch_of_this_one() -> None:
    async def test(shards: Shards) -> None:
        await shards.begin(1, echo)
        shards.addresses[naming.shard_name(0)] = shards.addresses[naming.shard_name(1)]
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
