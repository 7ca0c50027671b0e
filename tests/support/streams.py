"""A stream to a live installation, by a client library that knows nothing of Kairos."""

from __future__ import annotations

import socket
from typing import Any

import msgpack
from websockets.sync.client import ClientConnection, connect

from support.server import Server


def open_stream(server: Server, key: str | None = None, **options: Any) -> ClientConnection:
    bearer = server.key if key is None else key
    return connect(stream_url(server), additional_headers={"authorization": f"Bearer {bearer}"}, **options)


def stream_url(server: Server) -> str:
    return server.url.replace("http", "ws") + "/v1/stream"


def send(stream: ClientConnection, frame_id: int, call: str, body: Any) -> None:
    stream.send(msgpack.packb({"id": frame_id, "call": call, "body": body}))


def receive(stream: ClientConnection, count: int = 1) -> dict[int, dict[str, Any]]:
    """So many answers by their ids."""
    answers: dict[int, dict[str, Any]] = {}
    for _ in range(count):
        message = stream.recv(timeout=60)
        assert isinstance(message, bytes)
        answer = msgpack.unpackb(message)
        assert answer["id"] not in answers
        answers[answer["id"]] = answer
    return answers


def narrow_socket(server: Server) -> socket.socket:
    """A connection whose system buffers hold little, so that who does not read is noticed early."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    connection.connect(("127.0.0.1", server.port))
    return connection
