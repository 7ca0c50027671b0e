"""The stream for threads: one connection for all of them, kept by an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from typing import Any, Final

from cluster.client.errors import Closed
from cluster.client.http_sync import SyncHttp
from cluster.client.settings import Links
from cluster.client.stream_async import AsyncStream
from cluster.client.wire import Lost, Reply, Request

#: How long a caller waits beyond its time for the loop to say that nothing came.
_GRACE_S: Final = 1.0


class SyncStream:
    """The thread begins with the first call, and is a daemon: a program ends without closing the client, too."""

    def __init__(self, links: Links, http: SyncHttp) -> None:
        self._links = links
        self._http = http
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stream: AsyncStream | None = None

    def send(self, request: Request, timeout_s: float) -> Reply:
        if request.stream is None:
            return self._http.send(request, timeout_s)
        loop, stream = self._started()
        asked = asyncio.run_coroutine_threadsafe(stream.send(request, timeout_s), loop)
        try:
            return asked.result(timeout_s + _GRACE_S)
        except concurrent.futures.CancelledError as error:
            raise Closed("this client was closed before the answer came") from error
        except TimeoutError as error:
            asked.cancel()
            raise Lost("the thread of the stream does not run; was this process forked?") from error

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            loop, stream, thread = self._loop, self._stream, self._thread
            self._loop = None
        self._http.close()
        if loop is None or stream is None or thread is None or os.getpid() != self._pid:
            return
        asyncio.run_coroutine_threadsafe(stream.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _started(self) -> tuple[asyncio.AbstractEventLoop, AsyncStream]:
        with self._lock:
            if self._is_closed:
                raise Closed("this client was closed")
            if os.getpid() != self._pid:
                raise Closed("a stream does not outlive a fork; make the client in the child")
            if self._loop is None or self._stream is None:
                self._loop = asyncio.new_event_loop()
                links = self._links
                self._stream = AsyncStream(links.to, links.accept, 0, links.in_flight, links.retry)
                self._thread = threading.Thread(target=_run, args=(self._loop,), name="kairos-stream", daemon=True)
                self._thread.start()
            return self._loop, self._stream


def _run(loop: Any) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
