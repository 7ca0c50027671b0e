"""HTTP for the sync client, over the standard library: blocking sockets, no thread of its own."""

from __future__ import annotations

import os
import select
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from cluster.client.address import Address
from cluster.client.errors import Closed
from cluster.client.wire import Lost, Reply, Request, retry_after_s


class SyncHttp:
    """Each thread in a call has a connection to itself; ``connections`` of them are kept for the next calls."""

    def __init__(self, to: Address, accept: str, connections: int) -> None:
        parts = urlsplit(to.url)
        self._host: Final = parts.hostname or ""
        self._port: Final = parts.port
        self._prefix: Final = parts.path
        self._tls: Final = ssl.create_default_context() if parts.scheme == "https" else None
        self._headers: Final = {"authorization": to.authorization, "accept": accept}
        self._kept_most = connections
        self._kept: list[HTTPConnection] = []
        self._pid = os.getpid()
        self._is_closed = False

    def send(self, request: Request, timeout_s: float) -> Reply:
        connection = self._take()
        try:
            self._connect(connection, timeout_s)
            reply = self._exchange(connection, request)
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:
            self._keep(connection)
        return reply

    def close(self) -> None:
        self._is_closed = True
        while self._kept:
            self._kept.pop().close()

    def _connect(self, connection: HTTPConnection, timeout_s: float) -> None:
        if connection.sock is None:
            connection.timeout = timeout_s
            try:
                connection.connect()
            except OSError as error:
                raise Lost(f"cannot connect to {self._host}: {error}", sent=False) from error
        connection.sock.settimeout(timeout_s)

    def _exchange(self, connection: HTTPConnection, request: Request) -> Reply:
        headers = self._headers | {"content-type": request.media} if request.media else dict(self._headers)
        if request.headers:
            headers |= request.headers
        try:
            connection.request(request.method, self._prefix + request.path, request.body or None, headers)
            answer = connection.getresponse()
            body = answer.read()
        except TimeoutError as error:
            raise Lost("nothing came in time") from error
        except (HTTPException, OSError) as error:
            raise Lost(f"{type(error).__name__}: {error}") from error
        found = answer.headers
        return Reply(
            answer.status, body, found.get("content-type", ""), retry_after_s(found.get("retry-after")),
            {name.lower(): value for name, value in found.items()},
        )

    def _take(self) -> HTTPConnection:
        """A kept connection on which nothing has come meanwhile (the server closed it, then), or a new one."""
        if self._is_closed:
            raise Closed("this client was closed")
        if os.getpid() != self._pid:  # a child must not speak on its parent's connections
            self._pid, self._kept = os.getpid(), []
        while True:
            try:
                kept = self._kept.pop()
            except IndexError:
                break
            if not _is_readable(kept):
                return kept
            kept.close()
        if self._tls is not None:
            return HTTPSConnection(self._host, self._port, context=self._tls)
        return HTTPConnection(self._host, self._port)

    def _keep(self, connection: HTTPConnection) -> None:
        if self._is_closed or len(self._kept) >= self._kept_most:
            connection.close()
        else:
            self._kept.append(connection)


def _is_readable(connection: HTTPConnection) -> bool:
    look = select.poll()
    look.register(connection.sock, select.POLLIN)
    return bool(look.poll(0))
