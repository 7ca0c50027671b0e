"""The generator's readers of HTTP responses and of WebSocket frames, however the bytes arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.bench.generator import frames
from loadtests.bench.generator.http_answers import HttpAnswers
from models.errors import BadInput


def response(status: int, body: bytes, length: str = "content-length") -> bytes:
    return f"HTTP/1.1 {status} Fine\r\nserver: x\r\n{length}: {len(body)}\r\nvia: y\r\n\r\n".encode() + body


def cut(data: bytes, places: list[int]) -> list[bytes]:
    at = sorted({place % (len(data) + 1) for place in places})
    return [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]


CUTS = st.lists(st.integers(min_value=0, max_value=10_000), max_size=12)


@given(st.lists(st.tuples(st.sampled_from([200, 409, 503]), st.binary(max_size=300)), max_size=5), CUTS)
def test_responses_are_found_wherever_the_stream_is_cut(answers: list[tuple[int, bytes]], places: list[int]) -> None:
    whole = b"".join(response(status, body) for status, body in answers)
    reader = HttpAnswers()
    found = [one for part in cut(whole, places) for one in reader.feed(part)]
    assert found == [(status, response(status, body)) for status, body in answers]


def test_the_name_of_a_header_may_be_written_in_capitals() -> None:
    assert [status for status, _ in HttpAnswers().feed(response(200, b"abc", "Content-Length"))] == [200]


def test_a_length_named_in_the_body_is_not_taken_for_the_header() -> None:
    reader = HttpAnswers()
    assert len(reader.feed(response(200, b"\r\ncontent-length: 9\r\n\r\n") * 2)) == 2


def test_a_response_without_a_length_is_refused() -> None:
    with pytest.raises(BadInput, match="content-length"):
        HttpAnswers().feed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")


def unmasked(payload: bytes, opcode: int = frames.BINARY) -> bytes:
    """As a server sends it."""
    size = len(payload)
    if size < 126:
        head = bytes([0x80 | opcode, size])
    elif size < 65_536:
        head = bytes([0x80 | opcode, 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, 127]) + size.to_bytes(8, "big")
    return head + payload


@given(st.lists(st.sampled_from([b"", b"a" * 125, b"b" * 126, b"c" * 65_535, b"d" * 65_536]), max_size=4), CUTS)
def test_frames_are_found_wherever_the_stream_is_cut(payloads: list[bytes], places: list[int]) -> None:
    reader = frames.Frames()
    whole = b"".join(map(unmasked, payloads))
    found = [one for part in cut(whole, places) for one in reader.feed(part)]
    assert found == [(frames.BINARY, payload) for payload in payloads]


@given(st.sampled_from([0, 125, 126, 65_535, 65_536]))
def test_a_sent_frame_says_that_it_is_masked_and_carries_its_payload(size: int) -> None:
    sent = frames.frame(b"x" * size)
    head = 2 + (0 if size < 126 else 2 if size < 65_536 else 8)
    assert sent[1] & 0x80
    assert sent[head:] == b"\0\0\0\0" + b"x" * size


def test_a_fragmented_message_is_refused() -> None:
    with pytest.raises(BadInput, match="fragmented"):
        frames.Frames().feed(bytes([frames.BINARY, 1]) + b"a")
