"""The bounds of a stream: who may connect, how much is in flight, and how it ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgpack
import pytest
from unit.gateway.doubles import DECISION, EVENT, Served, echo
from unit.gateway.sockets import Socket

from actors import access
from actors.gateway.metrics_of_others import Others
from models import limits
from models.turn.commands import Command, Reply

IN_FLIGHT_MAX = limits.STREAM_FRAMES_IN_FLIGHT_MAX


class Held:
    """Shards that answer when the test lets them."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    async def __call__(self, shard: int, commands: list[Command]) -> list[Reply]:
        await self.gate.wait()
        return await echo(shard, commands)


async def settle() -> None:
    """Let everything that can run, run."""
    for _ in range(100):
        await asyncio.sleep(0)


def run(served: Served, test: Callable[[Socket], Awaitable[None]], key: str | None = None) -> None:
    async def body() -> None:
        async with Socket(served, key) as socket:
            await test(socket)

    asyncio.run(body())


def refusal(served: Served, **how: Any) -> tuple[int, dict[bytes, bytes], dict[str, Any]]:
    """Status, headers and problem with which a handshake is refused."""

    async def body() -> tuple[int, dict[bytes, bytes], dict[str, Any]]:
        async with Socket(served, **how) as socket:
            assert socket.first["type"] == "websocket.http.response.start"
            problem = json.loads((await socket.message())["body"])
            return socket.first["status"], dict(socket.first["headers"]), problem

    return asyncio.run(body())


@pytest.mark.parametrize("key", ["", "kairos_guess"])
def test_a_handshake_without_a_live_key_is_401(served: Served, key: str) -> None:
    status, headers, problem = refusal(served, key=key)
    assert (status, problem["status"]) == (401, 401)
    assert headers[b"www-authenticate"].startswith(b"Bearer")
    assert headers[b"content-type"] == b"application/problem+json"


def test_a_server_that_cannot_answer_a_handshake_closes_with_the_status(served: Served) -> None:
    async def body() -> None:
        async with Socket(served, "", can_answer=False) as socket:
            assert (socket.first["type"], socket.first["code"]) == ("websocket.close", 4401)

    asyncio.run(body())


def test_any_live_key_may_connect(served: Served) -> None:
    async def test(socket: Socket) -> None:
        assert socket.first["type"] == "websocket.accept"

    run(served, test, served.key("audit:read"))


@pytest.mark.parametrize(("how", "status"), [({"path": "/v1/streams"}, 404), ({"query": b"key=x"}, 422)])
def test_another_path_or_a_query_is_refused(served: Served, how: dict[str, Any], status: int) -> None:
    assert refusal(served, **how)[0] == status


def test_a_key_has_so_many_streams_and_no_more(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STREAMS_PER_KEY_MAX", 2)
    key = served.key("events:write")

    async def body() -> None:
        async with Socket(served, key) as first, Socket(served, key):
            async with Socket(served, key) as third:
                assert third.first["status"] == 429
                assert (b"retry-after", b"1") in third.first["headers"]
            async with Socket(served) as of_another_key:
                assert of_another_key.first["type"] == "websocket.accept"
            first.leave()
            await first.serving
            async with Socket(served, key) as again:
                assert again.first["type"] == "websocket.accept"

    asyncio.run(body())


def test_a_gateway_has_so_many_streams_and_no_more(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STREAMS_MAX", 1)

    async def body() -> None:
        async with Socket(served, served.key("events:write")), Socket(served) as second:
            assert second.first["status"] == 503

    asyncio.run(body())


def test_beyond_the_frames_in_flight_nothing_is_read_until_answers_are_written(served: Served) -> None:
    held = served.backend.handle = Held()

    async def test(socket: Socket) -> None:
        for frame_id in range(2 * IN_FLIGHT_MAX):
            socket.ask(frame_id, "decisions", DECISION)
        await settle()
        assert socket.taken == IN_FLIGHT_MAX
        socket.reads.clear()  # the client reads no answers: finished is not written
        held.gate.set()
        await settle()
        assert socket.taken == IN_FLIGHT_MAX
        socket.reads.set()
        assert len(await socket.answers(2 * IN_FLIGHT_MAX)) == 2 * IN_FLIGHT_MAX
        assert socket.unread == 0

    run(served, test)


def test_elements_of_batches_count(served: Served) -> None:
    held = served.backend.handle = Held()
    frames = limits.STREAM_ITEMS_IN_FLIGHT_MAX // limits.EVENTS_PER_BATCH_MAX + 1

    async def test(socket: Socket) -> None:
        for frame_id in range(frames + 3):
            events = [EVENT | {"event_id": f"{frame_id}.{at}"} for at in range(limits.EVENTS_PER_BATCH_MAX)]
            socket.ask(frame_id, "events", {"events": events})
        await settle()
        assert socket.taken == frames
        held.gate.set()
        assert len(await socket.answers(frames + 3)) == frames + 3

    run(served, test)


def test_refused_frames_count_too(served: Served) -> None:
    async def test(socket: Socket) -> None:
        socket.reads.clear()
        for frame_id in range(IN_FLIGHT_MAX + 10):
            socket.ask(frame_id, "nonsense")
        await settle()
        assert socket.taken == IN_FLIGHT_MAX

    run(served, test)


@pytest.mark.parametrize(("message", "code"), [
    (b"\xc1", 1007), (b"", 1007), (b"\x93\x01\x02\x03", 1007), (msgpack.packb({"id": -1, "call": "events"}), 1007),
    (msgpack.packb({"id": True}), 1007), (msgpack.packb({"call": "events"}), 1007),
    (msgpack.packb({"id": "1", "call": "events"}), 1007),
    (msgpack.packb({"body": "x" * limits.BATCH_BODY_BYTES_MAX, "id": 1}), 1009),
])
def test_what_has_no_id_ends_the_stream(served: Served, message: bytes, code: int) -> None:
    async def test(socket: Socket) -> None:
        socket.raw(message)
        assert await socket.closed() == code

    run(served, test)


def test_a_text_message_ends_the_stream(served: Served) -> None:
    async def test(socket: Socket) -> None:
        socket.text("{}")
        close = await socket.message()
        assert (close["code"], close["reason"]) == (1003, "send binary msgpack frames")

    run(served, test)


def test_an_id_that_is_in_flight_ends_the_stream_and_a_free_one_may_come_again(served: Served) -> None:
    async def test(socket: Socket) -> None:
        for _ in range(2):
            socket.ask(1, "decisions", DECISION)
            assert (await socket.answer())["status"] == 200
        served.backend.handle = Held()
        socket.ask(1, "decisions", DECISION)
        socket.ask(1, "decisions", DECISION)
        assert await socket.closed() == 4409

    run(served, test)


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_key_that_ends_takes_its_streams_with_it(served: Served, how: str) -> None:
    wall_s = time.time()
    name = "short"
    key = access.create(
        access.FileAccess(served.data_dir), name, ["events:write"], now_ms=0, expires_ms=int(wall_s * 1_000) + 60_000
    )
    served.authoriser.refresh()

    async def test(socket: Socket) -> None:
        async with Socket(served) as other:
            served.app.streams.look()
            socket.ask(1, "events", {"events": []})
            assert (await socket.answer())["status"] == 200
            if how == "revoked":
                access.revoke(access.FileAccess(served.data_dir), name, now_ms=0)
                served.authoriser.refresh()
            else:
                served.authoriser._wall_s = lambda: wall_s + 61
            served.app.streams.look()
            assert await socket.closed() == 4401
            other.ask(1, "events", {"events": []})
            assert (await other.answer())["status"] == 200

    run(served, test, key)


def test_a_client_that_does_not_read_is_let_go(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STREAM_CLOSE_MS_MAX", 0)

    async def test(socket: Socket) -> None:
        socket.reads.clear()
        socket.ask(1, "decisions", DECISION)
        await settle()
        served.app.streams.look()
        await settle()
        assert not socket.serving.done()
        monkeypatch.setattr(limits, "STREAM_UNREAD_MS_MAX", -1)
        served.app.streams.look()
        await socket.serving  # though not even the close frame could be written
        text = served.services.metrics.expose({}, Others()).decode()
        assert 'kairos_streams_ended_total{code="4408",gateway="0"} 1.0' in text

    run(served, test)


def test_a_gateway_that_stops_answers_what_is_in_flight_and_takes_no_more(served: Served) -> None:
    held = served.backend.handle = Held()

    async def test(socket: Socket) -> None:
        socket.ask(1, "decisions", DECISION)
        await settle()
        ending = asyncio.create_task(served.app.streams.end_all())
        await settle()
        socket.ask(2, "decisions", DECISION)
        async with Socket(served) as late:
            assert late.first["status"] == 503
        held.gate.set()
        assert await socket.answer() == {"id": 1, "status": 200, "body": {
            "kind": "decision", "customer_id": "c-1", "body": served.backend.commands[0].body,
        }}
        assert (await socket.message())["code"] == 1001
        await ending
        assert len(served.backend.commands) == 1

    run(served, test)


def test_what_takes_too_long_does_not_keep_a_gateway_from_stopping(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STREAM_DRAIN_MS_MAX", 0)
    served.backend.handle = Held()

    async def test(socket: Socket) -> None:
        socket.ask(1, "decisions", DECISION)
        await settle()
        await served.app.streams.end_all()
        assert await socket.closed() == 1001

    run(served, test)


def test_what_was_not_sent_when_the_client_left_is_not_sent(served: Served) -> None:
    held = served.backend.handle = Held()

    async def test(socket: Socket) -> None:
        socket.ask(1, "decisions", DECISION)
        await settle()
        socket.ask(2, "decisions", DECISION)  # fills the next batch
        await settle()
        socket.leave()
        await socket.serving
        held.gate.set()
        await settle()
        assert len(served.backend.commands) == 1

    run(served, test)
