"""What is in flight on a stream: frames in the order in which they were asked, and the meaning of an answer's bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgpack

from cluster.client.codec import MSGPACK
from cluster.client.wire import Reply, Request

_ID: Final = b"\x83\xa2id"
_CALL: Final = b"\xa4call"
_BODY: Final = b"\xa4body"
_NIL: Final = b"\xc0"
_pack: Final = msgpack.Packer(buf_size=64).pack


class Unanswered:
    """Frame ids rise, so their order is the order of asking; a frame that is sent again keeps its place."""

    def __init__(self) -> None:
        self._frames: dict[int, bytes] = {}
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, request: Request) -> tuple[int, bytes]:
        """The id and the bytes of a new frame; the request must have a ``stream`` name and a msgpack body."""
        self._last_id += 1
        packed = _pack(self._last_id), _pack(request.stream)
        frame: bytes = b"".join((_ID, packed[0], _CALL, packed[1], _BODY, request.body or _NIL))
        self._frames[self._last_id] = frame
        return self._last_id, frame

    def forget(self, frame_id: int) -> None:
        """It was answered, or nobody waits for it any more."""
        self._frames.pop(frame_id, None)

    def from_the_first(self) -> Iterator[bytes]:
        """Every frame without an answer, oldest first, those included that are added while this is read."""
        sent = 0
        while True:
            due = next((frame_id for frame_id in self._frames if frame_id > sent), None)
            if due is None:
                return
            for frame_id in [one for one in self._frames if one >= due]:
                frame = self._frames.get(frame_id)
                if frame is not None:
                    yield frame
                sent = frame_id


def read_answer(message: bytes) -> tuple[int, Reply]:
    """The frame id and the reply of an answer; the body's bytes are those that HTTP would have answered in msgpack.
    Raises ``ValueError`` on anything else."""
    unpacker = msgpack.Unpacker(max_buffer_size=len(message), strict_map_key=False)
    unpacker.feed(message)
    frame_id: int | None = None
    status: int | None = None
    body = b""
    try:
        for _ in range(unpacker.read_map_header()):
            name = unpacker.unpack()
            if name == "body":
                begin = unpacker.tell()
                unpacker.skip()
                body = message[begin : unpacker.tell()]
            elif name == "id":
                frame_id = unpacker.unpack()
            elif name == "status":
                status = unpacker.unpack()
            else:
                unpacker.skip()
    except (msgpack.UnpackException, ValueError) as error:
        raise ValueError(f"not an answer of the stream: {error}") from error
    if type(frame_id) is not int or type(status) is not int:
        raise ValueError("not an answer of the stream: it has no id or no status")
    return frame_id, Reply(status, body, MSGPACK.media, _retry_after_s(status, body))


def _retry_after_s(status: int, body: bytes) -> float | None:
    """Seconds; a stream says them in the problem, having no headers."""
    if status < 400:
        return None
    problem: Any = MSGPACK.decode(body) if body else None
    value = problem.get("retry_after") if isinstance(problem, dict) else None
    return float(value) if isinstance(value, int | float) and value >= 0 else None
