"""One connection each: sends prepared bytes, hands back (when it was sent, status, bytes) per answer."""

from __future__ import annotations

import socket
import time
from collections import deque

import msgpack

from loadtests.bench.generator import frames
from loadtests.bench.generator.http_answers import HttpAnswers
from models.errors import BadInput

_READ_BYTES = 262_144
_WAIT_S = 30.0
#: Status of an answer that never came.
BROKEN = 0
Answer = tuple[float, int, bytes]


def _dial(port: int) -> socket.socket:
    connected = socket.create_connection(("127.0.0.1", port), timeout=_WAIT_S)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


class HttpConnection:
    """One request in flight, HTTP keep-alive."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open()

    def _open(self) -> None:
        self.socket = _dial(self._port)
        self._answers = HttpAnswers()
        self._since = 0.0

    def send(self, request: bytes, since: float) -> None:
        self._since = since
        self.socket.sendall(request)

    def receive(self) -> list[Answer]:
        data = self.socket.recv(_READ_BYTES)
        if not data:
            self.socket.close()
            self._open()
            return [(self._since, BROKEN, b"")]
        return [(self._since, status, raw) for status, raw in self._answers.feed(data)]

    def close(self) -> None:
        self.socket.close()


class StreamConnection:
    """Many frames in flight over one WebSocket; answers come in any order and carry the frame's id."""

    def __init__(self, port: int, path: str, key: str) -> None:
        self.socket = _dial(port)
        self.socket.sendall(frames.handshake(path, key))
        self._frames = frames.Frames()
        self._since: dict[int, float] = {}
        self._early = deque(self._frames.feed(self._upgraded()))

    def _upgraded(self) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.socket.recv(_READ_BYTES)
            if not data:
                raise BadInput(f"the stream was refused: {head[:300]!r}")
            head += data
        if not head.startswith(b"HTTP/1.1 101"):
            raise BadInput(f"the stream was refused: {head[:300]!r}")
        return head[head.index(b"\r\n\r\n") + 4 :]

    def send_all(self, numbered: list[tuple[int, bytes]], since: float) -> None:
        for number, _ in numbered:
            self._since[number] = since
        self.socket.sendall(b"".join([raw for _, raw in numbered]))

    def receive(self) -> list[Answer]:
        data = self.socket.recv(_READ_BYTES)
        if not data:
            raise BadInput(f"the server ended the stream with {len(self._since)} frames in flight")
        found: list[Answer] = []
        for opcode, payload in (*self._early, *self._frames.feed(data)):
            if opcode == frames.BINARY:
                answer = msgpack.unpackb(payload)
                found.append((self._since.pop(answer["id"]), answer["status"], payload))
            elif opcode == frames.PING:
                self.socket.sendall(frames.frame(payload, frames.PONG))
            elif opcode == frames.CLOSE:
                raise BadInput(f"the server closed the stream: {payload!r}")
        self._early.clear()
        return found

    def close(self) -> None:
        self.socket.sendall(frames.frame((1000).to_bytes(2, "big"), frames.CLOSE))
        self.socket.close()


def now() -> float:
    return time.perf_counter()
