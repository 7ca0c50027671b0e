"""A link whose peer is lost, silent or elsewhere by now: every call ends, and the next one finds the peer."""

from __future__ import annotations

import asyncio

import pytest
from contracts.transport.conftest import Run
from contracts.transport.rig import LONG_S, PURPOSE, SECRET, Rig, is_cut

from actors.link import frames
from actors.link.address import Address
from actors.link.client import Link
from actors.link.errors import LinkGone, LinkRefused
from actors.link.handshake import HELLO_BYTES, PROOF_BYTES, ServerSide, purpose_key


def test_a_lost_connection_fails_every_call_in_flight_as_perhaps_executed(run: Run) -> None:
    async def test(rig: Rig) -> None:
        server = await rig.serve()
        link = rig.link()
        calls = [asyncio.ensure_future(link.call("wait", b"%d" % n, LONG_S)) for n in range(5)]
        await rig.working(5)
        await server.stop()
        for outcome in await asyncio.gather(*calls, return_exceptions=True):
            assert type(outcome) is LinkGone

    run(test)


def test_a_call_whose_caller_is_lost_is_worked_on_to_its_end(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        call = asyncio.ensure_future(link.call("wait", b"asked", LONG_S))
        await rig.working(1)
        link.close()
        with pytest.raises(LinkGone):
            await call
        rig.gate.set()
        assert await rig.link().call("echo", b"later", LONG_S) == b"later"
        assert rig.handled == [b"asked", b"later"]

    run(test)


def test_a_peer_that_restarted_on_another_port_is_found_by_the_next_call(run: Run) -> None:
    async def test(rig: Rig) -> None:
        first = await rig.serve()
        link = rig.link()
        cut_short = asyncio.ensure_future(link.call("wait", b"1", LONG_S))
        await rig.working(1)
        before = rig.address
        await rig.serve()
        await first.stop()
        assert rig.address != before
        with pytest.raises(LinkGone):
            await cut_short
        assert await link.call("echo", b"2", LONG_S) == b"2"
        assert rig.resolved == 2

    run(test)


def test_a_call_that_may_not_dial_is_refused_until_another_has_made_a_connection(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        with pytest.raises(LinkRefused):
            await link.call("echo", b"1", LONG_S, dials=False)
        assert await link.call("echo", b"2", LONG_S) == b"2"
        assert await link.call("echo", b"3", LONG_S, dials=False) == b"3"
        assert rig.handled == [b"2", b"3"]

    run(test)


def test_another_incarnation_on_the_same_port_is_not_mistaken_for_the_one_that_was_dialled(run: Run) -> None:
    async def test(rig: Rig) -> None:
        first = await rig.serve()
        old = rig.address
        assert old is not None
        await first.stop()
        await rig.serve(port=old.port)
        new, rig.address = rig.address, old
        link = rig.link()
        with pytest.raises(LinkRefused, match="another incarnation"):
            await link.call("echo", b"for the dead", LONG_S)
        assert rig.handled == []
        rig.address = new
        assert await link.call("echo", b"for the living", LONG_S) == b"for the living"

    run(test)


def test_nobody_listening_is_a_refusal_and_the_address_is_asked_again(run: Run) -> None:
    async def test(rig: Rig) -> None:
        server = await rig.serve()
        await server.stop()
        link = rig.link()
        for asked in (1, 2):
            with pytest.raises(LinkRefused):
                await link.call("echo", b"", LONG_S)
            assert rig.resolved == asked
        await rig.serve()
        assert await link.call("echo", b"x", LONG_S) == b"x"

    run(test)


def test_an_address_that_nobody_knows_is_a_refusal(run: Run) -> None:
    async def test(rig: Rig) -> None:
        with pytest.raises(LinkRefused, match="nobody listens yet"):
            await rig.link().call("echo", b"", LONG_S)

    run(test)


def test_callers_share_one_attempt_and_one_that_leaves_does_not_end_it(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        address, rig.address = rig.address, None
        known = asyncio.Event()

        async def slowly() -> Address:
            rig.resolved += 1
            await known.wait()
            assert address is not None
            return address

        rig.resolve = slowly  # type: ignore[method-assign]
        link = rig.link()
        leaves = asyncio.ensure_future(link.call("echo", b"leaves", LONG_S))
        stays = [asyncio.ensure_future(link.call("echo", b"%d" % n, LONG_S)) for n in range(3)]
        with pytest.raises(LinkRefused, match="no connection in time"):
            await link.call("echo", b"hasty", 0.01)
        leaves.cancel()
        known.set()
        assert await asyncio.gather(*stays) == [b"0", b"1", b"2"]
        assert rig.resolved == 1

    run(test)


def test_closing_a_link_that_is_dialling_ends_its_callers(run: Run) -> None:
    async def test(rig: Rig) -> None:
        never: asyncio.Future[Address] = asyncio.get_running_loop().create_future()
        asked = asyncio.Event()

        async def resolve() -> Address:
            asked.set()
            return await never

        rig.resolve = resolve  # type: ignore[method-assign]
        link = rig.link()
        call = asyncio.ensure_future(link.call("echo", b"", LONG_S))
        await asked.wait()
        link.close()
        with pytest.raises(LinkRefused):
            await call

    run(test)


def test_a_peer_that_accepts_and_says_nothing_is_given_up_in_time(run: Run) -> None:
    async def test(rig: Rig) -> None:
        async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        await rig.raw_server(silence)
        with pytest.raises(LinkRefused, match="TimeoutError"):
            await rig.link().call("echo", b"", LONG_S)

    run(test, handshake_ms=30)


def test_a_peer_that_stops_in_mid_call_hangs_nobody(run: Run) -> None:
    async def test(rig: Rig) -> None:
        async def proves_and_stops(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            side = ServerSide(purpose_key(SECRET, PURPOSE), b"i" * 16)
            challenge = side.challenge(await reader.readexactly(HELLO_BYTES))
            assert challenge is not None
            writer.write(challenge)
            assert side.accepts(await reader.readexactly(PROOF_BYTES))
            await reader.read()

        await rig.raw_server(proves_and_stops)
        with pytest.raises(LinkGone, match="silent"):
            await rig.link().call("echo", b"", LONG_S)

    run(test, keep_alive_ms=5, silence_ms=20)


def test_a_peer_that_works_for_long_is_not_taken_for_a_dead_one(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        call = asyncio.ensure_future(rig.link().call("wait", b"long", LONG_S))
        done, _ = await asyncio.wait([call], timeout=0.2)  # many times the silence that ends a connection
        assert not done
        rig.gate.set()
        assert await call == b"long"
        assert rig.resolved == 1

    run(test, keep_alive_ms=5, silence_ms=50)


def test_a_caller_that_vanished_without_a_word_is_let_go_of(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        reader, _ = await rig.raw_proven()
        assert await is_cut(reader)

    run(test, keep_alive_ms=5, silence_ms=20)


def test_a_peer_that_closes_its_sending_side_is_let_go_of(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        reader, writer = await rig.raw_proven()
        writer.write(frames.request(1, b"wait", b""))
        await rig.working(1)
        writer.write_eof()
        assert await is_cut(reader)

    run(test)


def test_a_handler_that_does_not_serve_ends_the_connection_and_the_next_call_asks_where_to_go(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        waiting = asyncio.ensure_future(link.call("wait", b"x", LONG_S))
        await rig.working(1)
        with pytest.raises(LinkGone):
            await link.call("refuse", b"x", LONG_S)
        with pytest.raises(LinkGone):
            await waiting
        assert await link.call("echo", b"x", LONG_S) == b"x"
        assert rig.resolved == 2

    run(test)


def test_a_server_that_hangs_up_answers_what_is_about_to_be_done_and_listens_on(run: Run) -> None:
    async def test(rig: Rig) -> None:
        server = await rig.serve()
        link, other = rig.link(), rig.link()
        await other.call("echo", b"x", LONG_S)
        waiting = asyncio.ensure_future(link.call("wait", b"x", LONG_S))
        await rig.working(1)
        server.hang_up(LONG_S * 1_000)
        rig.gate.set()
        assert await waiting == b"x"
        for one in (link, other):
            await lost(one)
            assert await one.call("echo", b"y", LONG_S) == b"y"
        assert rig.resolved == 4

    run(test)


def test_a_server_that_hangs_up_waits_for_nothing_longer_than_it_was_told(run: Run) -> None:
    async def test(rig: Rig) -> None:
        server = await rig.serve()
        waiting = asyncio.ensure_future(rig.link().call("wait", b"x", LONG_S))
        await rig.working(1)
        server.hang_up(1)
        with pytest.raises(LinkGone):
            await waiting

    run(test)


async def lost(link: Link) -> None:
    """Return when the link has seen that its connection is gone."""
    while link._connection is not None and not link._connection.is_lost:  # noqa: ASYNC110
        await asyncio.sleep(0)
