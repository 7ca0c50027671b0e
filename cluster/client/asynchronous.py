"""``AsyncKairos``: the client for asyncio."""

from __future__ import annotations

import asyncio
import copy
import os
import random
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Literal, Self, TypeVar

from cluster.client.address import Address, address, from_environment
from cluster.client.call import Call
from cluster.client.calls import Calls
from cluster.client.codec import CODECS, Encoding
from cluster.client.conversation import Counts, Manner, Send, converse
from cluster.client.http_async import AsyncHttp
from cluster.client.method import AsyncRunner
from cluster.client.retry import RetryPolicy
from cluster.client.wire import AsyncTransport, Lost, Reply
from models import limits

T = TypeVar("T")


class AsyncKairos(Calls, AsyncRunner):
    """Any number of calls may be in flight at once, in one event loop. Close it after use (``async with``)."""

    def __init__(
        self, url: str, key: str | None = None, *, key_file: str | os.PathLike[str] | None = None,
        transport: Literal["http", "stream"] | AsyncTransport = "http",
        timeout_s: float = limits.CLIENT_TIMEOUT_MS / limits.SECOND_MS, retry: RetryPolicy = RetryPolicy(),
        connections: int = limits.CLIENT_CONNECTIONS_DEFAULT, in_flight: int = limits.CLIENT_IN_FLIGHT_DEFAULT,
        encoding: Encoding = "msgpack",
    ) -> None:
        """``timeout_s``: for how long a call is waited for, repeats and pauses included. ``connections``: most HTTP
        connections. ``in_flight``: most unanswered frames of a stream; further calls wait. Raises ``BadInput``."""
        self._to = address(url, key, key_file)
        codec = CODECS["msgpack" if transport == "stream" else encoding]
        if isinstance(transport, str):
            transport = _transport(transport, self._to, codec.media, connections, in_flight)
        self._transport = transport
        self._counts = Counts()
        self._manner = Manner(codec, retry, timeout_s, time.monotonic, random.random, self._counts)

    @classmethod
    def from_env(
        cls, *, environ: Mapping[str, str] | None = None, transport: Literal["http", "stream"] = "http",
        timeout_s: float = limits.CLIENT_TIMEOUT_MS / limits.SECOND_MS,
    ) -> Self:
        """From ``KAIROS_URL`` and ``KAIROS_KEY`` or ``KAIROS_KEY_FILE``. Raises ``BadInput``."""
        to = from_environment(os.environ if environ is None else environ)
        return cls(to.url, to.key, transport=transport, timeout_s=timeout_s)

    @property
    def url(self) -> str:
        return self._to.url

    @property
    def counts(self) -> Counts:
        """Attempts and repeats so far."""
        return self._counts

    def within(self, timeout_s: float) -> Self:
        """The same client, connections and counts, that waits for so long at most."""
        other = copy.copy(self)
        manner = self._manner
        other._manner = Manner(
            manner.codec, manner.retry, timeout_s, manner.clock, manner.chance, manner.counts,
        )
        return other

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
        """Give every connection back; calls under way end with ``Closed`` or ``Unreachable``."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _transport(
    name: Literal["http", "stream"], to: Address, accept: str, connections: int, in_flight: int
) -> AsyncTransport:
    return AsyncHttp(to, accept, connections)
