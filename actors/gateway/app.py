"""The ASGI application: find the route, know the caller, run the handler, send the answer or the problem."""

from __future__ import annotations

import asyncio
import time
from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import quote

from actors.access.interface import KeysWanted
from actors.gateway import negotiation
from actors.gateway.body import ClientGone, Receive, Send
from actors.gateway.exchange import Answer, Exchange
from actors.gateway.failures import failed
from actors.gateway.latency_reports import LatencyReports
from actors.gateway.openapi import describe
from actors.gateway.routes import ROUTES
from actors.gateway.routing import Route, Router
from actors.gateway.services import Services
from actors.gateway.stream import handshake
from actors.gateway.stream.hub import Streams

_SAFE_PATH: Final = "/:%!$&'()*+,;=@-._~"
_WITHOUT_BODY: Final = frozenset({204, 304})
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")


class GatewayApp:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._reports = LatencyReports(services.metrics, services.backend)
        self._stages = _Stages()
        self._router = Router(ROUTES)
        self.streams = Streams(services, self._router)
        self._running: list[asyncio.Task[None]] = []
        services.openapi = negotiation.encode(describe(ROUTES), as_msgpack=False)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await handshake.serve(self.streams, scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._running = [
                    asyncio.create_task(self._services.authoriser.watch(self.streams.look)),
                    asyncio.create_task(self._reports.run()),
                ]
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                for task in self._running:
                    task.cancel()
                if self._running:
                    await asyncio.wait(self._running)  # one of them writes down who was refused last
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        started_s = time.perf_counter()
        exchange = Exchange(scope, receive)
        tracing = self._services.tracing
        span = None if tracing is None else tracing.begin(exchange)
        if tracing is None or span is None:
            answered = await self._called(scope, exchange)
        else:
            with tracing.under(span):
                answered = await self._called(scope, exchange)
        if answered is not None:
            name, answer = answered
            await self._answer(exchange, name, answer, started_s, send)
            if tracing is not None and span is not None:
                tracing.end(span, name, exchange, answer)

    async def _called(self, scope: MutableMapping[str, Any], exchange: Exchange) -> tuple[str, Answer] | None:
        """The name of the call and its answer; None when the client has gone."""
        name = "none"
        try:
            if exchange.method == "OPTIONS":
                return name, self._options(scope, exchange)
            route = self._router.find(_raw_path(scope), exchange)
            name = route.name
            return name, await self._handle(route, exchange)
        except ClientGone:
            return None
        except Exception as error:
            return name, failed(error, name, exchange, self._services)

    def _options(self, scope: MutableMapping[str, Any], exchange: Exchange) -> Answer:
        """Every method that the path serves."""
        allow = self._router.allowed(_raw_path(scope))
        return Answer(204, raw=b"", headers=((b"allow", ", ".join(allow).encode()),))

    async def _handle(self, route: Route, exchange: Exchange) -> Answer:
        if route.scope:
            try:
                exchange.key = self._services.authoriser.admit(exchange.authorization, route.scope)
            except KeysWanted:
                exchange.key = await self._services.authoriser.admit_later(exchange.authorization, route.scope)
        exchange.parse_query(route.query_names)
        if exchange.segments:
            exchange.parse_path(route.path_names)
        return await route.handle(self._services, exchange)

    async def _answer(self, exchange: Exchange, name: str, answer: Answer, started_s: float, send: Send) -> None:
        status, as_msgpack = answer.status, exchange.as_msgpack
        if answer.raw is not None:
            body, media = answer.raw, answer.media
        else:
            media = negotiation.content_type(status, as_msgpack)
            if answer.packed is not None:
                body = negotiation.recode(answer.packed, as_msgpack)
            else:
                body = negotiation.encode(answer.value, as_msgpack)
        total_s = time.perf_counter() - started_s
        own_s = total_s - answer.waited_s
        headers = [(b"server-timing", self._stages.header(own_s, answer.timing)), _NOSNIFF, *answer.headers]
        if status not in _WITHOUT_BODY:
            headers += [(b"content-length", b"%d" % len(body)), (b"content-type", media)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if exchange.method == "HEAD" else body})
        self._services.metrics.answered(name, status, total_s, own_s, answer.timing)
        self._services.access_log.answered(name, exchange, answer, total_s)


def _raw_path(scope: MutableMapping[str, Any]) -> bytes:
    """The path as it was sent, percent-encoded: a slash inside an id must stay apart from one between segments."""
    raw: bytes | None = scope.get("raw_path")
    if raw is not None:
        return raw.partition(b"?")[0]
    return quote(scope["path"], safe=_SAFE_PATH).encode()


class _Stages:
    """Times by stage as ``server-timing`` has them. The answers of a turn follow each other and share their times, so
    only the gateway's own are written anew for each."""

    def __init__(self) -> None:
        self._timing: dict[str, float] = {}
        self._written = b""

    def header(self, own_s: float, timing: dict[str, float]) -> bytes:
        if timing is not self._timing:
            stages = "".join(f", {stage};dur={spent_ms:.3f}" for stage, spent_ms in timing.items())
            self._timing, self._written = timing, stages.encode()
        return b"gateway;dur=%.3f%b" % (own_s * 1_000, self._written)
