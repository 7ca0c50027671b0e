"""The stream: the same calls as over HTTP, many in flight, answered as they finish."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from unit.gateway.doubles import DECISION, EVENT, FakeBackend, Served, echo
from unit.gateway.sockets import Socket

from actors.gateway.metrics_of_others import Others
from actors.gateway.routes import ROUTES
from models import canonical, ids, limits
from models.messages.what_if import WHAT_IF_EXAMPLE
from models.turn.commands import Command, Reply

Test = Callable[[Socket], Awaitable[None]]
ANSWERED = {
    "decisions", "decisions:batch", "decisions/{decision_id}:rerun", "events", "explanations", "history", "outcomes",
    "scorers/{version}:promote", "scorers/{version}:shadow", "scorers/{version}:canary", "scorers/{version}:retire",
    "scorers:rollback", "whatif",
}


def run(served: Served, test: Test, key: str | None = None) -> None:
    async def body() -> None:
        async with Socket(served, key) as socket:
            assert socket.first == {"type": "websocket.accept"}
            await test(socket)

    asyncio.run(body())


def test_a_frame_is_answered_with_its_id_its_status_and_the_shards_own_bytes(served: Served) -> None:
    async def test(socket: Socket) -> None:
        socket.ask(2**64 - 1, "decisions", DECISION)
        message = await socket.message()
        body = canonical.pack({
            "kind": "decision", "customer_id": "c-1", "body": served.backend.commands[0].body
        })
        assert message["bytes"] == b"\x83" + canonical.pack("id") + b"\xcf" + b"\xff" * 8 + canonical.pack(
            "status"
        ) + b"\xcc\xc8" + canonical.pack("body") + body

    run(served, test)


def test_a_stream_carries_every_post_call(served: Served) -> None:
    posts = {route.path.removeprefix("/v1/") for route in ROUTES if route.method == "POST"}
    assert posts == ANSWERED
    served.backend.coordinator_answer = [200, {"budgets": []}]
    served.backend.insight_answers["what_if"] = [200, {}]

    async def test(socket: Socket) -> None:
        bodies: dict[str, Any] = {
            "decisions": DECISION, "explanations": DECISION, "decisions:batch": {"requests": [DECISION]},
            "events": {"events": [EVENT]}, "scorers/v%2F1:promote": None,
            "scorers/v:shadow": None, "scorers/v:canary": {"share": 0.5}, "scorers/v:retire": None,
            "scorers:rollback": None,
            "history": {"source": "s", "first_position": 0, "events": []}, "outcomes": {"outcomes": []},
            "whatif": WHAT_IF_EXAMPLE,
        }
        for frame_id, (call, body) in enumerate(bodies.items()):
            socket.ask(frame_id, call, body)
        answers = await socket.answers(len(bodies))
        assert [answers[frame_id]["status"] for frame_id in range(len(bodies))] == [200] * len(bodies)
        changes = [("promote", "v/1"), ("shadow", "v"), ("canary", "v"), ("retire", "v"), ("rollback", None)]
        asked = [
            (body["change"], body.get("version")) for _, bodies in served.backend.coordinator_calls for body in bodies
        ]
        assert asked == changes

    run(served, test)


def test_answers_come_as_they_finish(served: Served) -> None:
    gate = asyncio.Event()

    async def slow_shard_0(shard: int, commands: list[Command]) -> list[Reply]:
        if shard == 0:
            await gate.wait()
        return await echo(shard, commands)

    served.backend.handle = slow_shard_0
    slow, fast = customers_of(served)

    async def test(socket: Socket) -> None:
        socket.ask(1, "decisions", DECISION | {"customer_id": slow})
        socket.ask(2, "decisions", DECISION | {"customer_id": fast})
        assert (await socket.answer())["id"] == 2
        gate.set()
        assert (await socket.answer())["id"] == 1

    run(served, test)


def customers_of(served: Served) -> tuple[str, str]:
    """A customer of shard 0 and one of shard 1."""
    services = served.services
    by_shard = {services.shard_of(services.key_of(ids.MAIN_TENANT, f"c-{n}")): f"c-{n}" for n in range(50)}
    return by_shard[0], by_shard[1]


def test_the_answer_is_the_one_that_http_gives(served: Served) -> None:
    request = DECISION | {"request_id": "r-1", "placements": [{"id": "hero", "count": 0}]}
    over_http = served.ask("POST", "/v1/decisions", json=request)

    async def test(socket: Socket) -> None:
        socket.ask(1, "decisions", request)
        assert await socket.answer() == {"id": 1, "status": 422, "body": over_http.json()}

    run(served, test)


@pytest.mark.parametrize(("frame", "status", "said"), [
    ({"call": "decisions", "body": {"customer_id": float("nan")}}, 400, "NaN"),
    ({"call": "decisions", "body": {"customer_id": b"bytes"}}, 400, "bytes"),
    ({"call": "decisions", "body": [1]}, 422, "not an object"),
    ({"call": "decisions"}, 422, "not an object"),
    ({"call": "decision", "body": {}}, 404, "decisions:batch"),
    ({"call": "catalog", "body": {}}, 404, "decisions:batch"),
    ({"call": "../healthz", "body": {}}, 404, "no such call"),
    ({"body": {}}, 422, "call"),
    ({"call": 7, "body": {}}, 422, "call"),
    ({"call": "decisions", "body": DECISION, "more": 1}, 422, "unknown field"),
])
def test_a_wrong_frame_gets_a_problem_and_harms_no_other(
    served: Served, frame: dict[str, Any], status: int, said: str
) -> None:
    async def test(socket: Socket) -> None:
        socket.raw(canonical.pack({"id": 7, **frame}))
        socket.ask(8, "decisions", DECISION)
        answers = await socket.answers(2)
        problem = answers[7]["body"]
        assert (answers[7]["status"], problem["status"]) == (status, status)
        assert said in problem["detail"]
        assert problem["request_id"]
        assert answers[8]["status"] == 200

    run(served, test)


def test_a_frame_of_which_only_the_id_can_be_read_is_refused_by_it(served: Served) -> None:
    deep = b"\x91" * 5_000 + b"\xc0"
    broken = {
        1: b"\x82\xa2id\x01\xa4body\xc7\x01\x05x", 2: b"\x82\xa4body\xa1\xff\xa2id\x02", 3: b"\x83\xa2id\x03\xa4call",
        4: b"\x82\xa2id\x04\xa4body" + deep, 5: b"\x82\xa2id\x05\xa4body" + b"\x91" * 40 + b"\xc0",
    }

    async def test(socket: Socket) -> None:
        for message in broken.values():
            socket.raw(message)
        answers = await socket.answers(len(broken))
        assert {frame_id: answer["status"] for frame_id, answer in answers.items()} == {
            1: 400, 2: 400, 3: 400, 4: 400, 5: 422,
        }

    run(served, test)


def test_a_body_nested_too_deep_is_refused(served: Served) -> None:
    context: dict[str, Any] = {}
    for _ in range(limits.BODY_DEPTH_MAX):
        context = {"a": context}

    async def test(socket: Socket) -> None:
        socket.ask(1, "decisions", DECISION | {"context": context})
        answer = await socket.answer()
        assert (answer["status"], "deeper" in answer["body"]["detail"]) == (400, True)

    run(served, test)


@pytest.mark.parametrize(("call", "body", "size", "status"), [
    ("decisions", DECISION, limits.BODY_BYTES_MAX + 1, 413),
    ("events", {"events": []}, limits.BODY_BYTES_MAX + 1, 422),
    ("events", {"events": []}, limits.BATCH_BODY_BYTES_MAX + 1, 413),
])
def test_a_frame_is_as_long_as_a_body_may_be(
    served: Served, call: str, body: dict[str, Any], size: int, status: int
) -> None:
    async def test(socket: Socket) -> None:
        socket.ask(1, call, body | {"filler": "x" * size})
        assert (await socket.answer())["status"] == status

    run(served, test)


def test_scopes_are_asked_of_each_frame(served: Served) -> None:
    async def test(socket: Socket) -> None:
        socket.ask(1, "decisions", DECISION | {"request_id": "r-1"})
        socket.ask(2, "events", {"events": []})
        answers = await socket.answers(2)
        assert answers[1]["status"] == 403
        assert "decide:<channel>" in answers[1]["body"]["detail"]
        assert answers[1]["body"]["request_id"] == "r-1"
        assert answers[2]["status"] == 200

    run(served, test, served.key("events:write"))


def test_the_rate_of_a_key_is_asked_of_each_frame(served: Served) -> None:
    async def test(socket: Socket) -> None:
        for frame_id in range(3):
            socket.ask(frame_id, "events", {"events": []})
        answers = await socket.answers(3)
        assert [answers[frame_id]["status"] for frame_id in range(3)] == [200, 200, 429]
        assert answers[2]["body"]["retry_after"] >= 1

    run(served, test, served.key("events:write", rate=3.0))  # the handshake takes one


@pytest.mark.parametrize("packed", [True, False])
def test_where_http_has_retry_after_the_problem_has_it(served: Served, packed: bool) -> None:
    async def unavailable(_: int, commands: list[Command]) -> list[Reply]:
        return [Reply(503, canonical.pack({"status": 503, "request_id": "r"})) for _ in commands]

    async def test(socket: Socket) -> None:
        if packed:
            served.backend.handle = unavailable
            socket.ask(1, "decisions", DECISION)
        else:
            served.backend.coordinator_answer = [503, {"status": 503}]
            socket.ask(1, "scorers/v:promote")
        assert (await socket.answer())["body"]["retry_after"] == 1

    run(served, test)


def test_a_bug_of_the_server_is_a_500_of_that_frame_alone(served: Served) -> None:
    async def test(socket: Socket) -> None:
        served.services.backend = None  # type: ignore[assignment]
        socket.ask(1, "scorers/v:promote")
        answer = await socket.answer()
        assert (answer["status"], "repeat with the same id" in answer["body"]["detail"]) == (500, True)

    run(served, test)


def test_frames_are_counted_by_call_and_status(served: Served) -> None:
    async def test(socket: Socket) -> None:
        socket.ask(1, "decisions", DECISION)
        socket.ask(2, "nonsense")
        await socket.answers(2)
        text = served.services.metrics.expose({}, Others()).decode()
        assert 'kairos_stream_frames_total{call="decisions",gateway="0",status="200"} 1.0' in text
        assert 'kairos_stream_frames_total{call="none",gateway="0",status="404"} 1.0' in text
        assert 'kairos_streams_open{gateway="0"} 1.0' in text

    run(served, test)
    text = served.services.metrics.expose({}, Others()).decode()
    assert 'kairos_streams_open{gateway="0"} 0.0' in text
    assert 'kairos_streams_ended_total{code="1000",gateway="0"} 1.0' in text


def test_the_address_asked_without_an_upgrade_says_what_it_is(served: Served) -> None:
    response = served.ask("GET", "/v1/stream")
    assert (response.status_code, response.headers["upgrade"]) == (426, "websocket")
    assert response.json()["status"] == 426


def test_a_backend_answers_each_command_once(served: Served) -> None:
    assert isinstance(served.backend, FakeBackend)

    async def test(socket: Socket) -> None:
        for frame_id in range(limits.STREAM_FRAMES_IN_FLIGHT_MAX * 3):
            socket.ask(frame_id, "decisions", DECISION | {"customer_id": f"c-{frame_id % 50}"})
        answers = await socket.answers(limits.STREAM_FRAMES_IN_FLIGHT_MAX * 3)
        assert {answer["body"]["customer_id"] for answer in answers.values()} == {f"c-{n}" for n in range(50)}
        for frame_id, answer in answers.items():
            assert answer["body"]["customer_id"] == f"c-{frame_id % 50}"
        assert len(served.backend.commands) == len(answers)

    run(served, test)
