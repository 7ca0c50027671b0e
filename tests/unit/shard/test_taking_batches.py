"""A shard takes batches over its link, and over nothing else that listens."""

from __future__ import annotations

import pytest
from unit.shard.rig import Rig, event, run

from actors.link.address import Address
from actors.link.client import Link
from actors.link.errors import LinkFailed, LinkGone, LinkRefused
from actors.link.handshake import link_key
from actors.naming import SHARD_HANDLE, shard_purpose
from actors.profile_shard import ProfileShard
from models.canonical import pack, unpack

LISTENS = {"link_host": "127.0.0.1"}


def link_to(rig: Rig, shard: ProfileShard) -> Link:
    async def resolve() -> Address:
        return Address.from_wire(await shard.address())

    return Link(resolve, link_key(rig.store.secret()), shard_purpose(0))


def test_a_batch_over_the_link_is_answered_as_one_that_is_handed_over(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard(**LISTENS) as shard:
            batch = pack([event("anna", "e1").to_wire(), event("ben", "e2").to_wire()])
            linked = unpack(await link_to(rig, shard).call(SHARD_HANDLE, batch, 5.0))
            assert [status for status, _ in linked["r"]] == [200, 200]
            again = unpack(await shard.handle(batch))
            assert [unpack(body)["status"] for _, body in again["r"]] == ["duplicate", "duplicate"]

    run(scenario())


def test_nothing_but_batches_is_taken_over_the_link(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard(**LISTENS) as shard:
            for method in ("drain", "stop", "__init__"):
                with pytest.raises(LinkFailed):
                    await link_to(rig, shard).call(method, b"", 5.0)
            assert rig.left == []

    run(scenario())


def test_a_shard_that_has_stopped_listens_no_more(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard(**LISTENS) as shard:
            link = link_to(rig, shard)
            assert unpack(await link.call(SHARD_HANDLE, pack([]), 5.0))["r"] == []
        with pytest.raises(LinkGone):
            await link.call(SHARD_HANDLE, pack([]), 5.0)
        with pytest.raises(LinkRefused):
            await link_to(rig, shard).call(SHARD_HANDLE, pack([]), 5.0)

    run(scenario())


def test_a_shard_that_is_told_no_host_opens_no_port(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            assert shard._link is None

    run(scenario())
