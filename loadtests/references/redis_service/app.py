"""The FastAPI application; ``build`` is what uvicorn calls in each of its workers."""

from __future__ import annotations

import asyncio
import hmac
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, ValidationError
from starlette.routing import Route

from loadtests.references.redis_service import catalog as catalogs
from loadtests.references.redis_service import profile as profiles
from loadtests.references.redis_service.messages import DecisionAsked, Event, Events, Outcomes
from loadtests.references.redis_service.store import Store, Write
from loadtests.references.redis_service.turns import Turns
from loadtests.trees import booster

SOCKET, KEY = "KAIROS_BENCH_REDIS", "KAIROS_BENCH_KEY"
_HOW = {"impression": "confirm", "click": "confirm", "accept": "accept", "not_shown": "release"}
_JSON = "application/json"
Checked = TypeVar("Checked", bound=BaseModel)


def build() -> FastAPI:
    """One worker: its own connection pool, its own trees."""
    catalog = catalogs.load()
    store = Store(os.environ[SOCKET], catalog)
    turns = Turns(store, catalog, booster())
    expected = f"Bearer {os.environ[KEY]}".encode()

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        await store.open()
        yield
        await store.close()

    def authorise(request: Request) -> None:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, expected):
            raise HTTPException(401)

    async def decisions(request: Request) -> Response:
        authorise(request)
        raw = await request.body()
        asked = _checked(DecisionAsked, raw)
        unknown = [wish.id for wish in asked.placements if wish.id not in catalog.placements]
        if unknown:
            raise HTTPException(422, f"unknown placements {unknown}")
        status, body = await turns.decide(asked, raw)
        return Response(body, status, media_type=_JSON)

    # A plain route: FastAPI's own would look for dependencies, cookies and fields in every request, and find none.
    app = FastAPI(lifespan=living, routes=[Route("/v1/decisions", decisions, methods=["POST"])])

    @app.get("/healthz")
    async def healthz() -> Response:
        return Response(b"{}", media_type=_JSON)

    @app.post("/v1/events")
    async def events(request: Request) -> dict[str, int]:
        authorise(request)
        asked = _checked(Events, await request.body())
        by_customer: dict[str, list[Event]] = {}
        for event in asked.events:
            by_customer.setdefault(event.customer_id, []).append(event)
        return {"applied": sum(await asyncio.gather(*(_apply_all(store, own) for own in by_customer.values())))}

    @app.post("/v1/outcomes")
    async def outcomes(request: Request) -> dict[str, int]:
        authorise(request)
        asked = _checked(Outcomes, await request.body())
        known = {action.id: action for action in catalog.actions}
        now_ms = time.time_ns() // 1_000_000
        for outcome in asked.outcomes:
            how = _HOW.get(outcome.type)
            if how is None or outcome.action not in known:
                raise HTTPException(422, f"unknown outcome {outcome.type} of {outcome.action}")
            await store.settle(outcome.customer_id, outcome.decision_id, known[outcome.action], how, now_ms)
        return {"applied": len(asked.outcomes)}

    return app


def _checked(kind: type[Checked], raw: bytes) -> Checked:
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        raise HTTPException(422, error.errors(include_url=False)) from error


async def _apply_all(store: Store, events: list[Event]) -> int:
    """One customer's, in order; returns how many were new."""
    return sum([await _apply(store, event) for event in events])


async def _apply(store: Store, event: Event) -> bool:
    """Whether it was new."""
    now_ms = time.time_ns() // 1_000_000
    time_ms = int(datetime.fromisoformat(event.time).timestamp() * 1e3) if event.time else now_ms
    while True:
        [[stored, _, seen]] = await store.read([(event.customer_id, "", event.event_id)])
        if seen is not None:
            return False
        begins, profile = profiles.read(stored)
        profiles.fold(profile, event.type, event.properties, time_ms)
        profile["v"] += 1
        write = Write(event.customer_id, begins, profiles.write(profile), now_ms, event_id=event.event_id)
        [[said, *_]] = await store.write([write])
        if said == b"done":
            return True
