"""Frames survive any way in which a network may cut them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.link import frames
from actors.link.frames import BadFrame, FrameReader

FRAME = st.tuples(st.integers(1, frames.IDS - 1), st.integers(0, 255), st.binary(max_size=200))


@given(st.lists(FRAME, max_size=8), st.lists(st.integers(0, 2_000), max_size=12))
def test_frames_come_out_as_they_went_in_however_they_are_cut(sent: list[frames.Frame], cuts: list[int]) -> None:
    stream = b"".join(frames.answer(*frame) for frame in sent)
    reader = FrameReader(200)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    read = [frame for a, b in pairwise(places) for frame in reader.feed(stream[a:b])]
    assert read == sent


@given(st.binary(min_size=1, max_size=40), st.binary(max_size=300))
def test_a_request_carries_its_method_by_its_length(method: bytes, payload: bytes) -> None:
    ((number, tag, body),) = FrameReader(1_000).feed(frames.request(7, method, payload))
    assert (number, body[:tag], body[tag:]) == (7, method, payload)


def test_the_largest_frame_is_read_and_the_next_larger_is_refused_by_its_head() -> None:
    assert FrameReader(10).feed(frames.answer(1, 0, b"x" * 10)) == [(1, 0, b"x" * 10)]
    with pytest.raises(BadFrame, match="11 bytes; at most 10"):
        FrameReader(10).feed(frames.answer(1, 0, b"x" * 11)[: frames.HEAD.size])
