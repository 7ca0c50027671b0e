"""What the operator sets: catalog, budgets' caps, the manual clock."""

from __future__ import annotations

from typing import Any

from actors.gateway.body import decode
from actors.gateway.catalogs import checked_data, checked_text
from actors.gateway.conditional import conditional, named_tags
from actors.gateway.exchange import Answer, Exchange, validate
from actors.gateway.problems import RETRY_LATER, Refused
from actors.gateway.routing import Query, Route
from actors.gateway.services import Services
from models import limits
from models.catalog.plan import Plan
from models.messages import answers
from models.messages.configuration import Cap, Clock


async def get_catalog(services: Services, exchange: Exchange) -> Answer:
    known = [tag for tag in named_tags(exchange) if tag.startswith("sha256:")]
    answer = await ask_coordinator(services, exchange, "catalog", {"known": known})
    if answer.status != 200:
        return answer
    return conditional(exchange, answer.value["catalog_version"], answer.value)


async def put_catalog(services: Services, exchange: Exchange) -> Answer:
    plan = await _checked_catalog(services, exchange)
    if exchange.query_bool("dry_run"):
        return Answer(200, {"catalog_version": plan.version, "dry_run": True})
    if_match = exchange.if_match.decode("latin-1").strip().removeprefix("W/").strip('"')
    expected = None if if_match in ("", "*") else if_match
    asked = {"catalog": dict(plan.catalog), "if_match": expected}
    return await ask_coordinator(services, exchange, "publish_catalog", asked)


async def _checked_catalog(services: Services, exchange: Exchange) -> Plan:
    """The plan of the catalog in the body. Raises 400, 413, and 422 with every error at once."""
    body = await exchange.read(limits.CATALOG_BYTES_MAX)
    if exchange.sent_msgpack:
        return await checked_data(services, decode(body, True))
    return await checked_text(services, body)


async def get_budgets(services: Services, exchange: Exchange) -> Answer:
    return await ask_coordinator(services, exchange, "budgets")


async def put_budget(services: Services, exchange: Exchange) -> Answer:
    cap = validate(Cap, await exchange.data())
    return await ask_coordinator(services, exchange, "set_cap", {"budget": exchange.path_ids[0], "cap": cap.cap})


async def get_clock(services: Services, exchange: Exchange) -> Answer:
    return await ask_coordinator(services, exchange, "clock")


async def put_clock(services: Services, exchange: Exchange) -> Answer:
    clock = validate(Clock, await exchange.data())
    if services.settings.clock != "manual":
        raise Refused(409, "the clock is the wall's; only an installation started with --clock manual can set it")
    return await ask_coordinator(services, exchange, "set_clock", {"time_ms": clock.time})


async def ask_coordinator(services: Services, exchange: Exchange, method: str, *args: Any) -> Answer:
    """A call of the coordinator, which answers ``[status, body]``; its problems get the id of this request."""
    status, body = await services.coordinator(method, *args)
    if status >= 400:
        body["request_id"] = exchange.request_id
    return Answer(status, body, headers=RETRY_LATER if status == 503 else ())


_CATALOG_BODY = (400, 409, 413)
ROUTES = (
    Route(
        "GET", "/v1/catalog", "config:read", get_catalog, "catalog", "The live catalog", "configuration",
        {200: answers.Catalog}, (404,), is_conditional=True,
    ),
    Route(
        "PUT", "/v1/catalog", "config:write", put_catalog, "publish", "Validate and publish a catalog (YAML or JSON)",
        "configuration", {200: answers.CatalogPublished, 202: answers.CatalogPublished}, _CATALOG_BODY,
        query=(Query("dry_run", {"type": "string", "enum": ["true", "false"], "default": "false"}, "Only check"),),
        takes_catalog=True,
    ),
    Route(
        "GET", "/v1/budgets", "config:read", get_budgets, "budgets", "Caps and what became of them", "configuration",
        {200: answers.Budgets},
    ),
    Route(
        "PUT", "/v1/budgets/{budget_id}", "budgets:write", put_budget, "cap", "Change a budget's cap",
        "configuration", {200: answers.BudgetState}, (400, 404, 413), Cap,
    ),
    Route(
        "GET", "/v1/clock", "config:read", get_clock, "clock", "Where the decision clock stands", "configuration",
        {200: answers.ClockTime},
    ),
    Route(
        "PUT", "/v1/clock", "config:write", put_clock, "set clock", "Move the manual clock forward", "configuration",
        {200: answers.ClockTime}, (400, 409, 413), Clock,
    ),
)
