"""A wire that can be cut at the worst moment: between a client and a server on loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

Fault = Literal["request", "reply"]


class TcpProxy:
    """``fail_next("reply")``: the next thing that the server says is lost, and with it the connection;
    ``fail_next("request")``: only half of what the client sends next arrives. Later connections work."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        #: Faults that happened.
        self.cut = 0
        self._fault: Fault | None = None
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def fail_next(self, fault: Fault) -> None:
        self._fault = fault

    def url(self, url: str) -> str:
        """The same address, by way of this wire."""
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{self.port}"))

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, server]
                for source, sink, kind in ((client, server, "request"), (server, client, "reply")):
                    threading.Thread(target=self._pump, args=(source, sink, kind), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, kind: Fault) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if self._fault == kind:
                    self._fault = None
                    self.cut += 1
                    if kind == "request":
                        sink.sendall(data[:len(data) // 2])
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the one that accepts
        self._listener.close()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
