"""The stream through real HAProxy and Serve: order, back-pressure, revocation, a shard that dies under it."""

from __future__ import annotations

import asyncio
from typing import Any

import msgpack
import pytest
from support.server import Server, fresh
from support.streams import narrow_socket, open_stream, receive, send, stream_url
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from actors import access
from models import limits


def decision(customer: str, **more: Any) -> dict[str, Any]:
    return {
        "request_id": fresh("r"), "customer_id": customer, "channel": "web", "placements": [{"id": "home_hero"}],
        "deadline_ms": limits.DEADLINE_MS_MAX, **more,
    }


def windowed(stream: ClientConnection, bodies: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Ask for decisions, as many in flight as a stream may have."""
    answers: dict[int, dict[str, Any]] = {}
    sent = 0
    for frame_id, body in bodies.items():
        send(stream, frame_id, "decisions", body)
        sent += 1
        if sent - len(answers) == limits.STREAM_FRAMES_IN_FLIGHT_MAX:
            answers |= receive(stream)
    return answers | receive(stream, sent - len(answers))


def test_without_a_live_key_there_is_no_stream_but_a_problem(server: Server) -> None:
    with pytest.raises(InvalidStatus) as refused:
        open_stream(server, key="kairos_guess")
    response = refused.value.response
    assert (response.status_code, response.headers["www-authenticate"][:6]) == (401, "Bearer")
    assert response.headers["content-type"] == "application/problem+json"
    assert b'"status":401' in response.body
    plain = server.client.get("/v1/stream")
    assert (plain.status_code, plain.headers["content-type"]) == (426, "application/problem+json")


def test_frames_are_never_compressed(server: Server) -> None:
    with open_stream(server, compression="deflate") as stream:
        assert stream.protocol.extensions == []


def test_many_decisions_in_flight_each_get_their_own_answer(server: Server) -> None:
    bodies = {n: decision(f"{fresh('s')}") for n in range(1_000)}
    with open_stream(server) as stream:
        answers = windowed(stream, bodies)
    assert {answer["status"] for answer in answers.values()} == {200}
    for frame_id, body in bodies.items():
        told = answers[frame_id]["body"]
        assert (told["customer_id"], told["request_id"]) == (body["customer_id"], body["request_id"])


def test_what_one_connection_asks_for_one_customer_is_applied_in_that_order(server: Server) -> None:
    customer, now = fresh("ordered"), server.get("/v1/clock")["time"]
    with open_stream(server) as stream:
        for n in range(0, 200, 2):
            event = {"event_id": fresh("e"), "customer_id": customer, "type": "basket", "time": now,
                     "properties": {"total": 1.0}}
            send(stream, n, "events", {"events": [event]})
            more = {"min_state_version": 1} if n % 20 == 0 else {}
            send(stream, n + 1, "decisions", decision(customer, **more))
        answers = receive(stream, 200)
    versions = [
        body["results"][0]["state_version"] if "results" in body else body["state_version"]
        for body in (answers[n]["body"] for n in range(200))
    ]
    assert versions == sorted(versions)
    assert len(set(versions)) == len(versions)


def until_answered(stream: ClientConnection, bodies: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Ask, and ask again with the same ids, as a channel service would."""
    answers: dict[int, dict[str, Any]] = {}
    while missing := {frame_id: body for frame_id, body in bodies.items() if frame_id not in answers}:
        told = windowed(stream, missing)
        assert {one["status"] for one in told.values()} <= {200, 500, 503, 504}
        answers |= {frame_id: one for frame_id, one in told.items() if one["status"] == 200}
    return answers


def test_a_shard_that_dies_under_a_stream_changes_no_answer(server: Server) -> None:
    bodies = {n: decision(fresh("mortal")) for n in range(400)}
    with open_stream(server) as stream:
        for frame_id in range(200):
            send(stream, frame_id, "decisions", bodies[frame_id])
        server.kill("ray::ProfileShard")
        told = {frame_id: one for frame_id, one in receive(stream, 200).items() if one["status"] == 200}
        first, second = until_answered(stream, bodies), until_answered(stream, bodies)
    assert first == second
    assert {frame_id: first[frame_id] for frame_id in told} == told
    assert len({one["body"]["decision_id"] for one in first.values()}) == len(bodies)


def test_a_revoked_key_loses_its_stream(server: Server) -> None:
    name = fresh("key")
    key = access.create(access.FileAccess(server.data_dir), name, ["events:write"], now_ms=0)
    with open_stream(server, key) as stream, open_stream(server) as other:
        send(stream, 1, "events", {"events": []})
        assert receive(stream)[1]["status"] == 200
        access.revoke(access.FileAccess(server.data_dir), name, now_ms=0)
        with pytest.raises(ConnectionClosed) as ended:
            stream.recv(timeout=30)
        send(other, 1, "events", {"events": []})
        assert receive(other)[1]["status"] == 200
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 4401


def test_who_reads_no_answers_is_read_no_further_and_harms_nobody(server: Server) -> None:
    # A long answer that costs the shards nothing: many fields that nobody knows.
    body = {f"{'long' * 24}{n}": n for n in range(limits.VALIDATION_ERRORS_MAX)}

    async def scenario() -> None:
        sent, enough = 0, False

        async def feed() -> None:
            nonlocal sent
            while not enough:
                await stream.send(msgpack.packb({"id": sent, "call": "decisions", "body": body}))
                sent += 1

        headers = {"authorization": f"Bearer {server.key}"}
        async with connect(
            stream_url(server), additional_headers=headers, sock=narrow_socket(server), max_queue=1, ping_interval=None,
        ) as stream:
            feeder = asyncio.create_task(feed())
            before = -1
            while before != sent:  # ends only if the server stops reading
                before = sent
                await asyncio.sleep(1.0)
            enough = True
            answer = await asyncio.to_thread(server.decide, fresh("c"), "app", "app_card")
            assert answer["decision_id"]
            answers: set[int] = set()
            while not feeder.done() or len(answers) < sent:
                frame = msgpack.unpackb(await stream.recv())
                assert frame["status"] == 422
                answers.add(frame["id"])
            assert answers == set(range(sent))

    asyncio.run(scenario())
