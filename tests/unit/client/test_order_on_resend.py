"""Frames without an answer keep the order in which they were asked, whatever is answered or added meanwhile."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.client import Request
from cluster.client.codec import MSGPACK
from cluster.client.unanswered import Unanswered, read_answer


def request(n: int) -> Request:
    return Request("POST", "/v1/events", MSGPACK.encode({"n": n}), MSGPACK.media, stream="events")


@given(st.data())
def test_a_resend_holds_each_unanswered_frame_once_oldest_first(data: st.DataObject) -> None:
    asked = Unanswered()
    frames: dict[int, bytes] = {}
    sent: list[bytes] = []

    def change() -> None:
        for _ in range(data.draw(st.integers(0, 3))):
            frame_id, frame = asked.add(request(len(frames)))
            frames[frame_id] = frame
        if frames and data.draw(st.booleans()):
            asked.forget(data.draw(st.sampled_from(sorted(frames))))

    for _ in range(data.draw(st.integers(1, 5))):
        change()
    changes = 0
    for frame in asked.from_the_first():
        sent.append(frame)
        if changes < 10:
            changes += 1
            change()
    order = list(frames.values())
    places = [order.index(frame) for frame in sent]
    assert places == sorted(set(places))
    assert set(asked._frames.values()) <= set(sent)


def test_a_frame_is_what_the_contract_says() -> None:
    frame_id, frame = Unanswered().add(request(7))
    assert msgpack.unpackb(frame) == {"id": frame_id, "call": "events", "body": {"n": 7}}


@given(body=st.dictionaries(st.text(max_size=5), st.integers(0, 9) | st.text(max_size=5) | st.booleans()),
       order=st.permutations(["id", "status", "body", "later"]), frame_id=st.integers(0, 2**64 - 1))
def test_an_answers_body_keeps_its_bytes(body: Any, order: list[str], frame_id: int) -> None:
    members = {"id": frame_id, "status": 200, "body": body, "later": [1, {"x": 2}]}
    found_id, reply = read_answer(msgpack.packb({name: members[name] for name in order}))
    assert (found_id, reply.status, reply.body) == (frame_id, 200, msgpack.packb(body))
    assert reply.value() == (body or {})


@pytest.mark.parametrize("problem", [{"retry_after": 2}, {"retry_after": "soon"}, {}, None, [1]])
def test_only_a_number_of_seconds_is_a_pause(problem: Any) -> None:
    _, reply = read_answer(msgpack.packb({"id": 1, "status": 503, "body": problem}))
    assert reply.retry_after_s == (2.0 if problem == {"retry_after": 2} else None)


@pytest.mark.parametrize("message", [b"", b"\xc1", b"\x01", b"\x80", msgpack.packb({"id": 1}), b"\x82\xa2id\x01"])
def test_what_is_no_answer_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match="not an answer"):
        read_answer(message)
