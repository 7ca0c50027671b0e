"""Calls on a link that holds: each caller gets its own answer, and no side takes more than it has room for."""

from __future__ import annotations

import asyncio

import pytest
from contracts.transport.conftest import Run
from contracts.transport.rig import LONG_S, Rig

from actors.link import frames
from actors.link.errors import LinkFailed, LinkGone, LinkOversized


def test_each_caller_gets_its_own_answer_in_whatever_order_they_are_made(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        slow = asyncio.ensure_future(link.call("wait", b"slow", LONG_S))
        await rig.working(1)
        quick = [link.call("echo", b"%d" % n, LONG_S) for n in range(200)]
        assert await asyncio.gather(*quick) == [b"%d" % n for n in range(200)]
        assert not slow.done()
        rig.gate.set()
        assert await slow == b"slow"

    run(test)


def test_many_callers_share_one_connection(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        await asyncio.gather(*(link.call("echo", b"x", LONG_S) for _ in range(300)))
        assert rig.resolved == 1

    run(test)


def test_megabytes_travel_both_ways(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        payload = bytes(range(256)) * 20_000
        answers = await asyncio.gather(*(link.call("times2", payload, LONG_S) for _ in range(4)))
        assert all(answer == payload * 2 for answer in answers)

    run(test)


def test_an_empty_payload_is_a_payload(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        assert await rig.link().call("echo", b"", LONG_S) == b""

    run(test)


def test_a_handler_that_raises_fails_its_own_call_and_tells_nothing_of_the_content(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        with pytest.raises(LinkFailed) as raised:
            await link.call("raise", b"", LONG_S)
        assert str(raised.value) == "ValueError"
        assert await link.call("echo", b"next", LONG_S) == b"next"
        assert rig.resolved == 1

    run(test)


def test_a_call_that_is_too_large_is_not_sent_and_harms_no_other(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        other = asyncio.ensure_future(link.call("wait", b"other", LONG_S))
        await rig.working(1)
        with pytest.raises(LinkOversized):
            await link.call("echo", b"x" * 2_000, LONG_S)
        rig.gate.set()
        assert await other == b"other"
        assert rig.handled == [b"other"]

    run(test, frame_bytes=1_000)


def test_an_answer_that_is_too_large_fails_its_own_call_alone(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        with pytest.raises(LinkFailed):
            await link.call("times50", b"x" * 100, LONG_S)
        assert await link.call("echo", b"next", LONG_S) == b"next"
        assert rig.resolved == 1

    run(test, frame_bytes=1_000)


def test_a_caller_that_goes_away_changes_nothing_for_the_others_nor_for_what_it_asked(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        gone = asyncio.ensure_future(link.call("wait", b"gone", LONG_S))
        stays = asyncio.ensure_future(link.call("wait", b"stays", LONG_S))
        await rig.working(2)
        gone.cancel()
        rig.gate.set()
        assert await stays == b"stays"
        assert sorted(rig.handled) == [b"gone", b"stays"]
        assert gone.cancelled()

    run(test)


def test_a_call_ends_at_its_time_and_its_late_answer_reaches_nobody(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        await link.call("echo", b"first", LONG_S)  # the connection is not part of the time
        with pytest.raises(LinkGone, match="in time"):
            await link.call("wait", b"late", 0.01)
        rig.gate.set()
        assert await link.call("wait", b"next", LONG_S) == b"next"
        assert rig.handled == [b"first", b"late", b"next"]
        assert rig.resolved == 1

    run(test)


def test_no_more_frames_are_in_work_than_a_connection_may_have(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        calls = [asyncio.ensure_future(link.call("wait", b"%d" % n, LONG_S)) for n in range(50)]
        await rig.working(3)
        for _ in range(20):
            await asyncio.sleep(0)
        assert rig.in_work == 3
        rig.gate.set()
        assert await asyncio.gather(*calls) == [b"%d" % n for n in range(50)]
        assert rig.in_work_most == 3

    run(test, calls=3)


def test_a_server_that_is_full_is_not_taken_for_a_dead_one(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        calls = [asyncio.ensure_future(link.call("wait", b"%d" % n, LONG_S)) for n in range(8)]
        done, _ = await asyncio.wait(calls, timeout=0.15)  # many times the silence that ends a connection
        assert not done
        rig.gate.set()
        assert await asyncio.gather(*calls) == [b"%d" % n for n in range(8)]

    run(test, calls=2, keep_alive_ms=5, silence_ms=30)


def test_a_peer_that_does_not_read_its_answers_is_not_worked_for_without_bound(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        reader, writer = await rig.raw_proven()
        payload = b"x" * 100_000
        asked = 400
        for number in range(1, asked + 1):
            writer.write(frames.request(number, b"times10", payload))
        settled, before = 0, -1
        while settled < 50:
            await asyncio.wait([asyncio.ensure_future(rig.gate.wait())], timeout=0.002)
            settled = settled + 1 if len(rig.handled) == before else 0
            before = len(rig.handled)
        assert before < asked / 2
        seen = 0
        while seen < asked * (frames.HEAD.size + 10 * len(payload)):
            seen += len(await reader.read(1 << 20))
        assert len(rig.handled) == asked

    run(test)


def test_a_caller_waits_no_longer_than_its_time_for_a_peer_that_takes_nothing(run: Run) -> None:
    async def test(rig: Rig) -> None:
        await rig.serve()
        link = rig.link()
        blocked = asyncio.ensure_future(link.call("wait", b"", LONG_S))
        await rig.working(1)
        flood = [asyncio.ensure_future(link.call("wait", b"x" * 1_000_000, LONG_S)) for _ in range(60)]
        for _ in range(20):
            await asyncio.sleep(0)
        with pytest.raises(LinkGone, match="takes nothing"):
            await link.call("echo", b"", 0.05)
        rig.gate.set()
        await asyncio.gather(blocked, *flood)

    run(test, calls=1)
