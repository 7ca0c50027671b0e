"""Who does not hold the secret gets no call through, learns nothing, and costs little."""

from __future__ import annotations

import asyncio
import os

import pytest
from contracts.transport.conftest import Run
from contracts.transport.rig import LONG_S, PURPOSE, SECRET, Rig, is_cut

from actors.link import frames
from actors.link.errors import LinkGone, LinkRefused
from actors.link.handshake import (
    CHALLENGE_BYTES,
    HELLO_BYTES,
    MAGIC,
    NONCE_BYTES,
    PROOF_BYTES,
    ClientSide,
    ServerSide,
    link_key,
    purpose_key,
)

CALL = frames.request(1, b"echo", b"stolen")
OTHER_SECRET = b"o" * 32


@pytest.mark.parametrize(("secret", "purpose"), [(OTHER_SECRET, PURPOSE), (SECRET, "shard 1")])
def test_a_link_with_another_secret_or_purpose_gets_no_call_through(run: Run, secret: bytes, purpose: str) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        with pytest.raises(LinkRefused, match="secret"):
            await rig.link(secret, purpose).call("echo", b"x", LONG_S)
        assert rig.handled == []

    run(test)


def test_a_server_without_the_secret_is_told_nothing(run: Run) -> None:
    async def test(rig: Rig) -> None:
        told: list[bytes] = []

        async def impostor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            side = ServerSide(purpose_key(OTHER_SECRET, PURPOSE), b"i" * 16)
            challenge = side.challenge(await reader.readexactly(HELLO_BYTES))
            assert challenge is not None
            writer.write(challenge)
            told.append(await reader.read())

        await rig.raw_server(impostor)
        with pytest.raises(LinkRefused, match="does not hold the secret"):
            await rig.link().call("echo", b"secret content", LONG_S)
        while not told:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert told == [b""]

    run(test)


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10, bytes(CHALLENGE_BYTES), b""])
def test_a_link_that_dials_something_else_is_refused(run: Run, said: bytes) -> None:
    async def test(rig: Rig) -> None:
        async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(HELLO_BYTES)
            writer.write(said)
            writer.close()

        await rig.raw_server(other)
        with pytest.raises(LinkRefused):
            await rig.link().call("echo", b"x", LONG_S)

    run(test)


@pytest.mark.parametrize("said", [
    b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", os.urandom(HELLO_BYTES), MAGIC + bytes(NONCE_BYTES) + CALL, CALL * 50,
    b"\xff" * 100_000,
], ids=["http", "noise", "another-hello", "calls", "ones"])
def test_who_speaks_something_else_is_cut_off(run: Run, said: bytes) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        reader, writer = await rig.raw()
        writer.write(said)
        assert await is_cut(reader)
        assert rig.handled == []

    run(test)


def test_who_proves_nothing_is_cut_off_after_a_while(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        silent, _ = await rig.raw()
        slow, writer = await rig.raw()
        writer.write(MAGIC)
        unproven, writer = await rig.raw()
        writer.write(MAGIC + bytes(NONCE_BYTES))
        assert all(await asyncio.gather(is_cut(silent), is_cut(slow), is_cut(unproven)))

    run(test, handshake_ms=30)


def test_a_wrong_proof_is_refused_with_what_was_sent_after_it(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        reader, writer = await rig.raw()
        writer.write(MAGIC + bytes(NONCE_BYTES))
        challenge = await reader.readexactly(CHALLENGE_BYTES)
        writer.write(challenge[-PROOF_BYTES:] + CALL)  # the server's own proof, sent back to it
        assert await is_cut(reader)
        assert rig.handled == []

    run(test)


def test_a_proof_that_was_overheard_is_worth_nothing_on_another_connection(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        assert rig.address is not None
        side = ClientSide(purpose_key(SECRET, PURPOSE), rig.address.incarnation)
        overheard = b""
        for proof_of in ("mine", "overheard"):
            reader, writer = await rig.raw()
            writer.write(side.hello())
            mine, _ = side.answer(await reader.readexactly(CHALLENGE_BYTES))
            overheard = overheard or mine
            writer.write((mine if proof_of == "mine" else overheard) + CALL)
            if proof_of == "mine":
                assert await reader.readexactly(len(frames.answer(1, 0, b"stolen")))
            else:
                assert await is_cut(reader)
        assert rig.handled == [b"stolen"]

    run(test)


def test_a_handshake_may_come_byte_by_byte_and_calls_right_behind_it(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        assert rig.address is not None
        side = ClientSide(purpose_key(SECRET, PURPOSE), rig.address.incarnation)
        reader, writer = await rig.raw()
        for at in range(HELLO_BYTES):
            writer.write(side.hello()[at : at + 1])
            await writer.drain()
        proof, _ = side.answer(await reader.readexactly(CHALLENGE_BYTES))
        writer.write(proof + CALL + CALL)
        assert await reader.readexactly(2 * len(frames.answer(1, 0, b"stolen"))) == frames.answer(1, 0, b"stolen") * 2

    run(test)


def test_more_strangers_than_allowed_drive_out_the_oldest_and_never_a_peer(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        call = asyncio.ensure_future(link.call("wait", b"peer", LONG_S))
        await rig.working(1)
        oldest, _ = await rig.raw()
        others = [await rig.raw() for _ in range(4)]
        assert await is_cut(oldest)
        assert await rig.link().call("echo", b"newcomer", LONG_S) == b"newcomer"
        rig.gate.set()
        assert await call == b"peer"
        assert len(others) == 4

    run(test, strangers=4, handshake_ms=10_000)


@pytest.mark.parametrize("sent", [
    frames.HEAD.pack(1_001, 1, 4), b"\xff" * 64, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
], ids=["too large", "garbage", "another protocol"])
def test_a_peer_that_sends_what_is_no_frame_is_cut_off(run: Run, sent: bytes) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        reader, writer = await rig.raw_proven()
        writer.write(sent)
        assert await is_cut(reader)
        assert await rig.link().call("echo", b"others", LONG_S) == b"others"

    run(test, frame_bytes=1_000)


def test_a_server_that_sends_what_is_no_frame_is_given_up(run: Run) -> None:
    async def test(rig: Rig) -> None:
        async def babbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            side = ServerSide(purpose_key(SECRET, PURPOSE), b"i" * 16)
            challenge = side.challenge(await reader.readexactly(HELLO_BYTES))
            assert challenge is not None
            writer.write(challenge)
            assert side.accepts(await reader.readexactly(PROOF_BYTES))
            writer.write(b"\xff" * 64)
            await reader.read()

        await rig.raw_server(babbles)
        with pytest.raises(LinkGone, match="4294967295 bytes"):
            await rig.link().call("echo", b"x", LONG_S)

    run(test, frame_bytes=1_000)


def test_the_key_of_the_links_does_not_tell_the_secret_it_is_made_of() -> None:
    assert link_key(SECRET) != SECRET
    assert link_key(SECRET) != link_key(OTHER_SECRET)
    assert purpose_key(SECRET, "shard 1") != purpose_key(SECRET, "shard 11")
