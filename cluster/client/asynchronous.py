"""``AsyncKairos``: the client for asyncio."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self, TypeVar

from cluster.client.call import Call
from cluster.client.conversation import Send, converse
from cluster.client.http_async import AsyncHttp
from cluster.client.method import AsyncRunner
from cluster.client.settings import Client, Links, TransportName
from cluster.client.stream_async import AsyncStream
from cluster.client.wire import AsyncTransport, Lost, Reply

T = TypeVar("T")


class AsyncKairos(Client[AsyncTransport], AsyncRunner):
    """Any number of calls may be in flight at once, in one event loop. Close it after use (``async with``)."""

    async def perform(self, call: Call[T]) -> T:
        talk = converse(call, self._manner)
        step = next(talk)
        while True:
            answer: Reply | Lost | None = None
            if isinstance(step, Send):
                try:
                    answer = await self._transport.send(step.request, step.timeout_s)
                except Lost as lost:
                    answer = lost
            else:
                await asyncio.sleep(step.seconds)
            try:
                step = talk.send(answer)
            except StopIteration as finished:
                result: T = finished.value
                return result

    async def close(self) -> None:
        """Give every connection back; calls under way end with ``Closed``."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _open(self, name: TransportName, links: Links) -> AsyncTransport:
        if name == "http":
            return AsyncHttp(links.to, links.accept, links.connections)
        return AsyncStream(links.to, links.accept, links.connections, links.in_flight, links.retry)
