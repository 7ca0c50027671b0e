"""One table of calls: what the server serves has a method, and both clients have the same ones."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from unit.client.scripted import Captured, built, said

from actors.gateway.routes import ROUTES
from cluster.client import AsyncKairos, Kairos, Lost, Reply, Request
from cluster.client.call import STREAMED
from cluster.client.calls import Calls
from cluster.client.method import Method, Paged
from models import canonical

EVENT: Any = {"customer_id": "ann", "type": "visit", "time": "2026-01-01T00:00:00Z"}
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "decide": ("ann", "web", ["hero"]), "explain": ("ann", "web", ["hero"]), "decide_batch": ([],),
    "send_events": ([EVENT],), "send_outcomes": ([],), "send_history": ("s", 0, [EVENT]), "customer": ("ann",),
    "timeline": ("ann",), "set_attributes": ("ann", {}), "set_consent": ("ann", {}), "erase": ("ann",),
    "explanation_of": ("d",), "decision_of": ("d",), "rerun": ("d",),
    "catalog": (), "publish_catalog": ({},), "budgets": (), "set_cap": ("b", 1),
    "scorers": (), "promote": ("v",), "shadow": ("v",), "canary": ("v", 0.1), "retire": ("v",), "roll_back": (),
    "experiments": (), "experiment": ("x",), "clock": (), "set_clock": ("2026-01-01T00:00:00Z",), "status": (),
    "caller": (), "live": (), "funnel": (), "what_if": ({}, []),
    "metrics": (), "wait_until_ready": (), "journal": (0,), "call": ("GET", "/healthz"),
}
#: For people and their tools, not for services.
NOT_METHODS = {"GET /openapi.json", "GET /docs", "GET /v1/stream"}


def test_every_call_that_the_server_serves_is_a_method() -> None:
    assert set(ARGUMENTS) == {name for name, kind in vars(Calls).items() if isinstance(kind, Method | Paged)}
    reached = set()
    for name, arguments in ARGUMENTS.items():
        call = first(name, arguments)
        reached |= {
            f"{route.method} {route.path}" for route in ROUTES
            if route.method == call.method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route.path), path(call.path))
        }
    assert {f"{route.method} {route.path}" for route in ROUTES} - NOT_METHODS == reached


def test_a_stream_carries_calls_that_the_server_takes_there() -> None:
    posts = {route.path for route in ROUTES if route.method == "POST"}
    assert posts >= STREAMED.keys()


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_every_method_says_what_it_does(name: str) -> None:
    assert (getattr(Calls, name).__doc__ or "").strip()


class Recording:
    """Both kinds of transport at once: notes requests, answers pages of one item."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def answer(self, request: Request) -> Reply | Lost:
        self.requests.append(request)
        if "timeline" not in request.path:
            return said(200, {"budgets": [], "time": "t"})
        last = "before=2" in request.path
        n = len(self.requests)
        return said(200, {"items": [{"kind": "event", "time": "t", "id": f"e{n}", "body": {}}],
                          "next_before": None if last else str(n)})


class Blocking(Recording):
    def send(self, request: Request, timeout_s: float) -> Any:
        return self.answer(request)

    def close(self) -> None:
        return


class Awaited(Recording):
    async def send(self, request: Request, timeout_s: float) -> Any:
        return self.answer(request)

    async def close(self) -> None:
        return


def test_a_timeline_is_read_page_by_page_by_either_client() -> None:
    async def read(items: AsyncIterator[Any]) -> list[Any]:
        return [item async for item in items]

    blocking, awaited = Blocking(), Awaited()
    plain = list(Kairos("http://kairos", "k", through=blocking).timeline("ann", page_items=1))
    waited = asyncio.run(read(AsyncKairos("http://kairos", "k", through=awaited).timeline("ann", page_items=1)))
    assert plain == waited
    assert [item.id for item in plain] == ["e1", "e2", "e3"]
    assert [request.path for request in blocking.requests] == [request.path for request in awaited.requests] == [
        "/v1/customers/ann/timeline?limit=1", "/v1/customers/ann/timeline?limit=1&before=1",
        "/v1/customers/ann/timeline?limit=1&before=2",
    ]


def test_both_clients_send_the_same_bytes() -> None:
    blocking, awaited = Blocking(), Awaited()
    arguments: Any = ("ann", "web", ["hero", {"id": "strip", "count": 3}])
    options: Any = {"request_id": "r", "event": {"type": "visit"}, "exclude": ["a"], "explain": True,
                    "context": {"page": "/"}, "min_state_version": 3, "timeout_s": 2.0}
    Kairos("http://kairos", "k", through=blocking).decide(*arguments, **options)
    asyncio.run(AsyncKairos("http://kairos", "k", through=awaited).decide(*arguments, **options))
    assert blocking.requests == awaited.requests


def test_the_past_is_asked_for_by_version_by_time_or_not_at_all() -> None:
    blocking, moment = Blocking(), datetime(2026, 1, 1, tzinfo=UTC)
    kairos = Kairos("http://kairos", "k", through=blocking)
    for as_of in (None, 37, moment, "2026-01-01T00:00:00Z"):
        kairos.customer("ann", as_of=as_of, policies=as_of == 37)
        kairos.explain("ann", "web", ["hero"], as_of=as_of, request_id="r")
    assert [request.path for request in blocking.requests[::2]] == [
        "/v1/customers/ann", "/v1/customers/ann?as_of=37&policies=true",
        "/v1/customers/ann?as_of=2026-01-01T00%3A00%3A00%2B00%3A00",
        "/v1/customers/ann?as_of=2026-01-01T00%3A00%3A00Z",
    ]
    bodies = [canonical.unpack(request.body) for request in blocking.requests[1::2]]
    assert [body.get("as_of") for body in bodies] == [None, 37, "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00Z"]


def first(name: str, arguments: tuple[Any, ...]) -> Any:
    def ask(kairos: Kairos) -> Any:
        asked = getattr(kairos, name)(*arguments)
        return next(asked) if name == "timeline" else asked

    try:
        return built(ask)
    except Captured as captured:
        return captured.call


def path(with_query: str) -> str:
    return with_query.partition("?")[0]
