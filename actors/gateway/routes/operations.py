"""For operators and tools: status, journal, health, metrics, and the description of the API itself."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from actors.gateway.denied import ANY, denied
from actors.gateway.docs import DOCS_PAGE
from actors.gateway.exchange import Answer, Exchange
from actors.gateway.health import (
    coordinator_figures,
    coordinator_status,
    insight_figures,
    merged,
    not_ready,
    shard_figures,
    shard_statuses,
)
from actors.gateway.metrics_of_others import Others
from actors.gateway.negotiation import JSON, MSGPACK
from actors.gateway.problems import bad_field, retry_later
from actors.gateway.routing import Query, Route
from actors.gateway.services import Services
from models import ids, limits
from models.messages import answers
from models.times import format_time

_SEQ_MAX = 2**53 - 1
_HEX_KEY = re.compile(r"([0-9a-f]{32})?", re.ASCII)


async def get_status(services: Services, exchange: Exchange) -> Answer:
    coordinator, shards, serving = await asyncio.gather(
        coordinator_status(services), shard_statuses(services), services.serving(),
    )
    listed = merged(coordinator, shards)
    degraded = coordinator is None or any(not entry["up"] or bool(entry.get("degraded")) for entry in listed)
    return Answer(200, {**(coordinator or {}), "coordinator": coordinator is not None, "degraded": degraded,
                        "serving": serving, "shards": listed})


async def get_caller(services: Services, exchange: Exchange) -> Answer:
    caller = exchange.caller
    return Answer(200, {
        "name": caller.name, "tenant": caller.tenant, "scopes": list(caller.scopes),
        "expires": None if caller.expires_ms is None else format_time(caller.expires_ms), "key_id": caller.key_id,
    })


async def get_journal(services: Services, exchange: Exchange) -> Answer:
    if exchange.caller.tenant != ids.MAIN_TENANT:
        said = f"the journal holds every tenant's facts: only a key of the tenant {ids.MAIN_TENANT} reads it"
        raise denied(403, said, exchange.caller, "audit:read")
    if "shard" not in exchange.query:
        raise bad_field(["query", "shard"], f"name a shard, from 0 to {services.settings.shards - 1}")
    shard = exchange.query_int("shard", 0, 0, services.settings.shards - 1)
    limit = exchange.query_int("limit", limits.JOURNAL_PAGE_ROWS_MAX, 1, limits.JOURNAL_PAGE_ROWS_MAX)
    base_after = exchange.query.get("base_after")
    if base_after is not None:
        page = await services.shard_call(shard, "base", _customer_key(base_after), limit)
    else:
        page = await services.shard_call(shard, "journal", exchange.query_int("after", 0, 0, _SEQ_MAX), limit)
    return Answer(200, raw=page, media=MSGPACK)


def _customer_key(text: str) -> bytes:
    if _HEX_KEY.fullmatch(text) is None:
        raise bad_field(["query", "base_after"], "give a customer key of 32 hex digits, or nothing to begin")
    return bytes.fromhex(text)


async def get_alive(services: Services, exchange: Exchange) -> Answer:
    return Answer(200, {"status": "ok"})


async def get_ready(services: Services, exchange: Exchange) -> Answer:
    coordinator, shards = await asyncio.gather(coordinator_status(services), shard_statuses(services))
    missing = not_ready(coordinator, shards)
    if missing:
        raise retry_later(503, f"not ready: shard {', shard '.join(missing)}")
    return Answer(200, {"ready": True})


async def get_metrics(services: Services, exchange: Exchange) -> Answer:
    coordinator, shards, insight, serving = await asyncio.gather(
        coordinator_figures(services), shard_figures(services), insight_figures(services), services.serving(),
    )
    lanes = (*services.lanes, *services.patient_lanes)
    text = services.metrics.expose(
        {lane.name: lane.waiting for lane in lanes}, Others(shards, coordinator, insight, serving or ()),
    )
    return Answer(200, raw=text, media=b"text/plain; version=0.0.4; charset=utf-8")


async def get_openapi(services: Services, exchange: Exchange) -> Answer:
    return Answer(200, raw=services.openapi, media=JSON)


async def get_docs(services: Services, exchange: Exchange) -> Answer:
    return Answer(200, raw=DOCS_PAGE, media=b"text/html; charset=utf-8")


def _whole(least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


ROUTES = (
    Route(
        "GET", "/v1/caller", ANY, get_caller, "caller", "Who calls: the name of the key and what it may do",
        "operations", {200: answers.Caller},
    ),
    Route(
        "GET", "/v1/status", "config:read", get_status, "status", "Shards, epochs, backlog and versions",
        "operations", {200: answers.Status},
    ),
    Route(
        "GET", "/v1/journal", "audit:read", get_journal, "journal", "Rows of facts, for the tools", "operations",
        {200: None}, media="application/msgpack", query=(
            Query("shard", _whole(0, limits.SHARDS_MAX - 1), "Whose journal; one that exists", required=True),
            Query("after", _whole(0, _SEQ_MAX), "Rows after this sequence"),
            Query("limit", _whole(1, limits.JOURNAL_PAGE_ROWS_MAX), "How many rows"),
            Query("base_after", {"type": "string", "pattern": "^([0-9a-f]{32})?$", "maxLength": 32},
                  "Instead of rows: the profiles from which a truncated journal begins, after this customer key"),
        ),
    ),
    Route(
        "GET", "/healthz", "", get_alive, "healthz", "The process answers", "operations", {200: answers.Alive},
    ),
    Route(
        "GET", "/readyz", "", get_ready, "readyz", "Every slot has an owner with a policy and its first grants",
        "operations", {200: answers.Ready},
    ),
    Route(
        "GET", "/metrics", "config:read", get_metrics, "metrics", "Prometheus text", "operations", {200: None},
        media="text/plain",
    ),
    Route(
        "GET", "/openapi.json", "", get_openapi, "openapi", "This description", "operations", {200: None},
        media="application/json",
    ),
    Route("GET", "/docs", "", get_docs, "docs", "This description, to read", "operations", {200: None},
          media="text/html"),
)
