"""``Kairos``: the client for threads and scripts."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self, TypeVar

from cluster.client.call import Call
from cluster.client.conversation import Send, converse
from cluster.client.http_sync import SyncHttp
from cluster.client.method import SyncRunner
from cluster.client.settings import Client, Links, TransportName
from cluster.client.stream_sync import SyncStream
from cluster.client.wire import Lost, Reply, SyncTransport

T = TypeVar("T")


class Kairos(Client[SyncTransport], SyncRunner):
    """Any number of threads may use it at once. Close it after use (``with``)."""

    def perform(self, call: Call[T]) -> T:
        talk = converse(call, self._manner)
        step = next(talk)
        while True:
            answer: Reply | Lost | None = None
            if isinstance(step, Send):
                try:
                    answer = self._transport.send(step.request, step.timeout_s)
                except Lost as lost:
                    answer = lost
            else:
                time.sleep(step.seconds)
            try:
                step = talk.send(answer)
            except StopIteration as finished:
                result: T = finished.value
                return result

    def close(self) -> None:
        """Give every connection back; calls under way end with ``Closed``."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, name: TransportName, links: Links) -> SyncTransport:
        http = SyncHttp(links.to, links.accept, links.connections)
        return http if name == "http" else SyncStream(links, http)
