"""Frames: ``!I`` bytes that follow the head, ``!I`` id, ``!B`` tag, then the bytes.

The tag of a request is the length of the method's name, which stands before the payload; the tag of an answer is its
status. A frame with id 0 is a heartbeat and has no bytes.
"""

from __future__ import annotations

import struct
from typing import Final

from models.errors import KairosError

HEAD: Final = struct.Struct("!IIB")
DONE: Final = 0
FAILED: Final = 1
HEARTBEAT: Final = HEAD.pack(0, 0, 0)
IDS: Final = 1 << 32
NAME_BYTES: Final = 255

Frame = tuple[int, int, bytes]


class BadFrame(KairosError):
    """What came cannot be a frame: the connection is of no use any more."""


class FrameReader:
    """Cuts what arrives into frames. Holds at most one frame that is not complete."""

    __slots__ = ("_buffer", "_bytes_max")

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """``(id, tag, bytes)`` of every frame that is complete now. Raises ``BadFrame``."""
        source: bytes | bytearray = data
        if self._buffer:
            self._buffer += data
            source = self._buffer
        frames: list[Frame] = []
        at, end, head = 0, len(source), HEAD.size
        while end - at >= head:
            length, number, tag = HEAD.unpack_from(source, at)
            if length > self._bytes_max:
                raise BadFrame(f"a frame of {length} bytes; at most {self._bytes_max} are allowed")
            if end - at - head < length:
                break
            at += head
            frames.append((number, tag, bytes(source[at : at + length])))
            at += length
        if source is data:
            self._buffer += data[at:]
        else:
            del self._buffer[:at]
        return frames


def request(number: int, method: bytes, payload: bytes) -> bytes:
    return b"".join((HEAD.pack(len(method) + len(payload), number, len(method)), method, payload))


def answer(number: int, status: int, payload: bytes) -> bytes:
    return HEAD.pack(len(payload), number, status) + payload
