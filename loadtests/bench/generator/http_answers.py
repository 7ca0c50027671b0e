"""Reads HTTP/1.1 responses out of a byte stream: status and length, nothing else. Pure."""

from __future__ import annotations

from models.errors import BadInput

_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"


class HttpAnswers:
    """Fed what a connection received; says which responses became whole, each as (status, whole bytes)."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Raises ``BadInput`` for a response without a content-length, which this reader does not understand."""
        if self._rest:
            data = self._rest + data
        found: list[tuple[int, bytes]] = []
        start = 0
        while True:
            end = data.find(_END, start)
            if end < 0:
                break
            body = end + 4
            after = body + self._length(data[start : end + 2])
            if after > len(data):
                break
            found.append((int(data[start + 9 : start + 12]), data[start:after]))
            start = after
        self._rest = data[start:] if start < len(data) else b""
        return found

    @staticmethod
    def _length(head: bytes) -> int:
        at = head.find(_LENGTH)
        if at < 0:
            head = head.lower()
            at = head.find(_LENGTH)
            if at < 0:
                raise BadInput(f"a response without content-length: {head[:200]!r}; switch chunked encoding off")
        at += len(_LENGTH)
        return int(head[at : head.index(b"\r\n", at)])
