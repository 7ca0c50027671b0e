"""The stream, against a small server that speaks the contract: many in flight, nothing lost or reordered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from unit.client.loopback import Loopback, Talk

from cluster.client import (
    AsyncKairos,
    Closed,
    Decision,
    Kairos,
    RetryPolicy,
    Unauthorised,
    Unavailable,
    Unreachable,
)

SOON = RetryPolicy(first_pause_s=0.001, longest_pause_s=0.01)


def talking(server: Loopback, do: Callable[[AsyncKairos], Awaitable[Any]], **more: Any) -> Any:
    async def run() -> Any:
        options: dict[str, Any] = {"timeout_s": 10.0, "retry": SOON, **more}
        async with AsyncKairos(server.url, "key", transport="stream", **options) as kairos:
            return await do(kairos)

    return asyncio.run(run())


def ask(kairos: AsyncKairos, name: str) -> Awaitable[Decision]:
    return kairos.decide("ann", "web", ["hero"], request_id=name)


async def ask_all(kairos: AsyncKairos, count: int) -> list[Decision]:
    return list(await asyncio.gather(*[ask(kairos, f"r{n}") for n in range(count)]))


def ids(count: int) -> list[str]:
    return [f"r{n}" for n in range(count)]


def test_each_of_many_calls_in_flight_gets_its_own_answer_in_whatever_order() -> None:
    async def backwards(talk: Talk) -> None:
        for frame in reversed([await talk.frame() for _ in range(20)]):
            await talk.answer(frame)
        await talk.echo()

    with Loopback(stream=backwards) as server:
        decisions = talking(server, lambda kairos: ask_all(kairos, 20))
    assert [decision.decision_id for decision in decisions] == [f"d-{name}" for name in ids(20)]
    assert server.asked() == ids(20)
    assert {frame["call"] for _, frame in server.frames} == {"decisions"}
    assert server.streams == 1


@pytest.mark.parametrize("answered", [0, 3, 7])
def test_what_a_lost_connection_left_unanswered_is_sent_again_in_its_order(answered: int) -> None:
    async def lost_once(talk: Talk) -> None:
        if talk.number > 1:
            await talk.echo()
        frames = [await talk.frame() for _ in range(8)]
        for frame in frames[:answered]:
            await talk.answer(frame)
        if answered:
            await frames_seen.wait()
        await talk.cut()

    frames_seen = asyncio.Event()

    async def all_of_them(kairos: AsyncKairos) -> list[Decision]:
        tasks = [asyncio.ensure_future(ask(kairos, name)) for name in ids(8)]
        await asyncio.gather(*tasks[:answered])
        if answered:
            server.run(_set(frames_seen))
        return list(await asyncio.gather(*tasks))

    with Loopback(stream=lost_once) as server:
        decisions = talking(server, all_of_them)
    assert [decision.decision_id for decision in decisions] == [f"d-{name}" for name in ids(8)]
    assert server.asked(1) == ids(8)
    assert server.asked(2) == ids(8)[answered:]


async def _set(event: asyncio.Event) -> None:
    event.set()


def test_calls_that_come_while_there_is_no_connection_queue_behind_the_older_ones() -> None:
    async def lost_once(talk: Talk) -> None:
        if talk.number == 1:
            await talk.frame()
            await talk.cut()
        await talk.echo()

    async def later(kairos: AsyncKairos) -> None:
        first = asyncio.ensure_future(ask(kairos, "r0"))
        await asyncio.to_thread(server.has_asked.wait, 10)
        server.refusals += [503, 429]
        await asyncio.gather(first, *[ask(kairos, f"r{n}") for n in range(1, 5)])

    with Loopback(stream=lost_once) as server:
        talking(server, later)
    assert server.asked(2) == ids(5)


def test_no_more_frames_are_in_flight_than_allowed() -> None:
    waited: list[bool] = []

    async def holding(talk: Talk) -> None:
        frames = [await talk.frame() for _ in range(3)]
        try:
            await asyncio.wait_for(talk.frame(), 0.05)
        except TimeoutError:
            waited.append(True)
        for frame in frames:
            await talk.answer(frame)
        await talk.echo()

    with Loopback(stream=holding) as server:
        talking(server, lambda kairos: ask_all(kairos, 12), in_flight=3)
    assert waited == [True]
    assert server.asked() == ids(12)


def test_a_key_that_is_revoked_ends_the_calls_in_flight() -> None:
    async def revoked(talk: Talk) -> None:
        await talk.frame()
        await talk.socket.close(code=4401, message=b"the key was revoked or has expired")

    with Loopback(stream=revoked) as server, pytest.raises(Unauthorised, match="revoked or has expired"):
        talking(server, lambda kairos: ask(kairos, "r0"))
    assert server.streams == 1


@pytest.mark.parametrize(("status", "error"), [(401, Unauthorised), (403, Unauthorised)])
def test_a_handshake_that_is_refused_for_good_is_told(status: int, error: type[Exception]) -> None:
    with Loopback() as server:
        server.refusals = [status]
        with pytest.raises(error, match=f"refused with {status}"):
            talking(server, lambda kairos: ask(kairos, "r0"))


def test_a_handshake_that_is_refused_for_now_is_tried_again() -> None:
    with Loopback() as server:
        server.refusals = [503, 429, 502]
        assert talking(server, lambda kairos: ask(kairos, "r0")).decision_id == "d-r0"


@pytest.mark.parametrize("garbage", [b"", b"\xc1", b"\x93\x01\x02\x03", b"\x81\xa2id\xa1x"])
def test_an_answer_that_nobody_can_read_costs_the_connection_and_no_call(garbage: bytes) -> None:
    async def mumbling(talk: Talk) -> None:
        if talk.number == 1:
            await talk.frame()
            await talk.socket.send_bytes(garbage)
            await talk.frame()
        await talk.echo()

    with Loopback(stream=mumbling) as server:
        assert talking(server, lambda kairos: ask(kairos, "r0")).decision_id == "d-r0"
    assert server.asked(2) == ["r0"]


def test_a_call_that_is_not_answered_ends_with_its_time_and_a_late_answer_hurts_nobody() -> None:
    async def slow(talk: Talk) -> None:
        first = await talk.frame()
        second = await talk.frame()
        await talk.answer(first)
        await talk.answer(second)
        await talk.echo()

    async def twice(kairos: AsyncKairos) -> Decision:
        with pytest.raises(Unreachable, match=r"nothing came within 0\.05"):
            await kairos.within(0.05).call("POST", "/v1/decisions", {"request_id": "r0"})
        return await ask(kairos, "r1")

    with Loopback(stream=slow) as server:
        assert talking(server, twice).decision_id == "d-r1"
    assert server.streams == 1


def test_a_frame_that_is_refused_is_repeated_after_its_pause_and_told_in_the_end() -> None:
    async def busy(talk: Talk) -> None:
        while True:
            await talk.answer(await talk.frame(), 503, detail="over capacity", retry_after=0)

    policy = RetryPolicy(attempts=4, first_pause_s=0.001)
    with Loopback(stream=busy) as server, pytest.raises(Unavailable, match=r"over capacity.*tried 4 times"):
        talking(server, lambda kairos: ask(kairos, "r0"), retry=policy)
    assert server.asked() == ["r0"] * 4


def test_what_a_stream_does_not_carry_goes_over_http_beside_it() -> None:
    with Loopback() as server:
        assert talking(server, lambda kairos: kairos.budgets()) == []
    (request,) = server.requests
    assert (request.path, server.streams) == ("/v1/budgets", 0)


def test_closing_ends_what_is_in_flight_and_forbids_more() -> None:
    async def silent(talk: Talk) -> None:
        await talk.frame()
        await talk.frame()

    async def closing(kairos: AsyncKairos) -> None:
        waiting = asyncio.ensure_future(ask(kairos, "r0"))
        await asyncio.to_thread(server.has_asked.wait, 10)
        await kairos.close()
        with pytest.raises(Closed):
            await waiting
        with pytest.raises(Closed):
            await ask(kairos, "r1")

    with Loopback(stream=silent) as server:
        talking(server, closing)


def test_many_threads_share_one_stream_and_a_lost_connection() -> None:
    async def lost_once(talk: Talk) -> None:
        if talk.number == 1:
            for _ in range(5):
                await talk.frame()
            await talk.cut()
        await talk.echo()

    with Loopback(stream=lost_once) as server, ThreadPoolExecutor(8) as pool:
        with Kairos(server.url, "key", transport="stream", retry=SOON) as kairos:
            asked = [pool.submit(kairos.decide, "ann", "web", ["hero"], request_id=name) for name in ids(40)]
            assert [one.result(20).decision_id for one in asked] == [f"d-{name}" for name in ids(40)]
            assert "kairos-stream" in {thread.name for thread in threading.enumerate()}
        assert "kairos-stream" not in {thread.name for thread in threading.enumerate()}
    assert server.streams == 2


def test_a_closed_sync_stream_says_so() -> None:
    with Loopback() as server:
        kairos = Kairos(server.url, "key", transport="stream")
        kairos.decide("ann", "web", ["hero"])
        kairos.close()
        kairos.close()
        with pytest.raises(Closed):
            kairos.decide("ann", "web", ["hero"])
