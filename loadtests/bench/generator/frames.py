"""The client's side of RFC 6455, as far as a load generator needs it: binary frames both ways, pings. Pure.

A client must mask; a mask of zeros is a mask, and leaves the prepared bytes as they are.
"""

from __future__ import annotations

import struct

from models.errors import BadInput

BINARY, CLOSE, PING, PONG = 0x2, 0x8, 0x9, 0xA
_FINAL = 0x80
_MASKED = 0x80
_NO_MASK = b"\0\0\0\0"


def frame(payload: bytes, opcode: int = BINARY) -> bytes:
    """One whole masked frame."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", _FINAL | opcode, _MASKED | size)
    elif size < 65_536:
        head = struct.pack("!BBH", _FINAL | opcode, _MASKED | 126, size)
    else:
        head = struct.pack("!BBQ", _FINAL | opcode, _MASKED | 127, size)
    return head + _NO_MASK + payload


def handshake(path: str, key: str) -> bytes:
    """The upgrade request; the nonce may be any, for this client does not check the answer's proof of it."""
    return (
        f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        f"sec-websocket-key: a2Fpcm9zLWJlbmNobWFyaw==\r\nsec-websocket-version: 13\r\n"
        f"authorization: Bearer {key}\r\n\r\n"
    ).encode()


class Frames:
    """Fed what a connection received; returns (opcode, payload) of each frame that became whole."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Raises ``BadInput`` for a fragmented message, which no answer of a few kilobytes is."""
        if self._rest:
            data = self._rest + data
        found: list[tuple[int, bytes]] = []
        start, whole = 0, len(data)
        while whole - start >= 2:
            first, size = data[start], data[start + 1] & 0x7F
            body = start + 2
            if size == 126:
                body += 2
                size = int.from_bytes(data[start + 2 : body], "big")
            elif size == 127:
                body += 8
                size = int.from_bytes(data[start + 2 : body], "big")
            if body > whole or body + size > whole:
                break
            if not first & _FINAL:
                raise BadInput("a fragmented message; the generator reads whole ones only")
            found.append((first & 0x0F, data[body : body + size]))
            start = body + size
        self._rest = data[start:]
        return found
