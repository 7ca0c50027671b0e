"""The bytes of a frame, in and out."""

from __future__ import annotations

from typing import Any, Final

import msgpack

from actors.gateway.body import unpack
from actors.gateway.exchange import Answer
from actors.gateway.problems import Refused, bad_field
from models import canonical, limits

_KNOWN: Final = frozenset({"id", "call", "body"})
_ID: Final = b"\x83\xa2id"
_STATUS: Final = b"\xa6status"
_BODY: Final = b"\xa4body"
#: What stands between id and body of nearly every answer.
_DONE: Final = _STATUS + b"\xcc\xc8" + _BODY
_pack: Final = msgpack.Packer(autoreset=True, buf_size=64).pack


class NoFrame(Exception):
    """Nobody can be answered: the message has no readable id."""


def read(message: bytes) -> dict[str, Any]:
    """The map of a message that is msgpack, with a usable ``id``; its other fields are not looked at.

    Raises ``NoFrame``, and ``BadFrame`` where the id can be read and the rest cannot.
    """
    try:
        frame = unpack(message)
    except Refused as refused:
        raise BadFrame(peek_id(message), refused) from refused
    if type(frame) is not dict or not _is_id(frame.get("id")):
        raise NoFrame
    known: dict[str, Any] = frame
    return known


class BadFrame(Exception):
    """A frame that names its id, and why it is refused."""

    def __init__(self, frame_id: int, refused: Refused) -> None:
        super().__init__(frame_id, refused)
        self.frame_id = frame_id
        self.refused = refused


def call_of(frame: dict[str, Any]) -> str:
    """The call that a frame asks for. Raises 422 for a missing one and for unknown fields."""
    if len(frame) > len(_KNOWN) or not frame.keys() <= _KNOWN:
        unknown = next(name for name in frame if name not in _KNOWN)
        raise bad_field([unknown[:100]], "unknown field; a frame has id, call and body")
    call = frame.get("call")
    if type(call) is not str:
        raise bad_field(["call"], "name a call, for example decisions")
    return call


def peek_id(message: bytes) -> int:
    """The id of a frame whose rest cannot be read. Raises ``NoFrame``."""
    unpacker = msgpack.Unpacker(raw=True, strict_map_key=True, max_buffer_size=limits.STREAM_HEAD_BYTES_MAX)
    unpacker.feed(message[:limits.STREAM_HEAD_BYTES_MAX])
    try:
        for _ in range(unpacker.read_map_header()):
            if unpacker.unpack() == b"id":
                found = unpacker.unpack()
                if _is_id(found):
                    return int(found)
                break
            unpacker.skip()
    except (ValueError, msgpack.UnpackException) as error:
        raise NoFrame from error
    raise NoFrame


def answer(frame_id: int, status: int, body: bytes) -> bytes:
    """A frame around a body that is msgpack already: its bytes are taken over as they are."""
    head: bytes = _ID + _pack(frame_id)
    if status == 200:
        return head + _DONE + body
    return head + _STATUS + canonical.pack(status) + _BODY + body


def body_of(answer: Answer) -> bytes:
    """An answer's body as msgpack; ``retry_after`` (seconds) stands in it where HTTP has the header."""
    after = next((int(value) for name, value in answer.headers if name == b"retry-after"), None)
    if answer.packed is not None and after is None:
        return answer.packed
    value = answer.value if answer.packed is None else canonical.unpack(answer.packed)
    return canonical.pack(value if after is None else {**value, "retry_after": after})


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 <= value <= limits.STREAM_ID_MAX
