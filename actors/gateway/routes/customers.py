"""One customer: profile, timeline, attributes, consent, erasure."""

from __future__ import annotations

import re
from typing import Any

from pydantic import RootModel
from pydantic_core import PydanticCustomError

from actors.gateway.exchange import Answer, Exchange, validate
from actors.gateway.problems import bad_field
from actors.gateway.routing import Query, Route
from actors.gateway.services import Services
from models import limits
from models.messages import answers
from models.messages.customers import Attributes, Consent
from models.messages.past import AS_OF_SCHEMA, AS_OF_TEXT, as_of_query
from models.turn import commands

_LIMIT_DEFAULT = 100
_BEFORE = re.compile(r"[0-9]{1,18}\.[0-9]{1,9}", re.ASCII)


async def get_customer(services: Services, exchange: Exchange) -> Answer:
    as_of, with_policies = _as_of(exchange), exchange.query_bool("policies")
    if as_of is None and not with_policies:
        return await _ask(services, exchange, commands.PROFILE, {})
    body = {"as_of": as_of, "policies": with_policies}
    command = services.command(exchange.caller, commands.STANDING, exchange.path_ids[0], body, exchange.request_id)
    return await services.ask_alone(command)


def _as_of(exchange: Exchange) -> dict[str, int | None] | None:
    text = exchange.query.get("as_of")
    try:
        return None if text is None else as_of_query(text)
    except PydanticCustomError as error:
        raise bad_field(["query", "as_of"], f"{error.message()}; give {AS_OF_TEXT}") from error


async def delete_customer(services: Services, exchange: Exchange) -> Answer:
    return await _ask(services, exchange, commands.ERASE, {})


async def put_attributes(services: Services, exchange: Exchange) -> Answer:
    return await _put_map(services, exchange, commands.ATTRIBUTES, Attributes)


async def put_consent(services: Services, exchange: Exchange) -> Answer:
    return await _put_map(services, exchange, commands.CONSENT, Consent)


async def _put_map(
    services: Services, exchange: Exchange, kind: str, model: type[RootModel[dict[str, Any]]]
) -> Answer:
    changes = validate(model, await exchange.data())
    return await _ask(services, exchange, kind, dict(changes.root))


async def _ask(services: Services, exchange: Exchange, kind: str, body: dict[str, Any]) -> Answer:
    return await services.ask(services.command(exchange.caller, kind, exchange.path_ids[0], body, exchange.request_id))


async def get_timeline(services: Services, exchange: Exchange) -> Answer:
    before = exchange.query.get("before")
    if before is not None and _BEFORE.fullmatch(before) is None:
        raise bad_field(["query", "before"], "give the next_before of the page before")
    body = {
        "limit": exchange.query_int("limit", _LIMIT_DEFAULT, 1, limits.TIMELINE_ITEMS_MAX),
        "before": before,
    }
    command = services.command(exchange.caller, commands.TIMELINE, exchange.path_ids[0], body, exchange.request_id)
    return await services.ask_alone(command)


_PATH = "/v1/customers/{customer_id}"
ROUTES = (
    Route(
        "GET", _PATH, "profiles:read", get_customer, "customer", "The customer as Kairos sees it, now or then",
        "customers", {200: answers.Customer}, (404, 410, 504), query=(
            Query("as_of", {"anyOf": AS_OF_SCHEMA["anyOf"][:2]}, "As it was: a state_version or a time"),
            Query("policies", {"type": "boolean", "default": False}, "Add what each contact policy still allows"),
        ),
        description="A version is one since the customer's last erasure, and stands for the moment that made it; at a "
        "time, what was due by then has happened. 404 also before the customer was seen, 410 beyond the retention.",
    ),
    Route(
        "DELETE", _PATH, "profiles:erase", delete_customer, "erase", "Erase the customer; answers a receipt",
        "customers", {200: answers.Receipt}, (504,),
    ),
    Route(
        "GET", f"{_PATH}/timeline", "profiles:read", get_timeline, "timeline", "What happened, newest first",
        "customers", {200: answers.Timeline}, (404, 410, 504), query=(
            Query("limit", {"type": "integer", "minimum": 1, "maximum": limits.TIMELINE_ITEMS_MAX,
                            "default": _LIMIT_DEFAULT}, "How many items"),
            Query("before", {"type": "string", "pattern": f"^{_BEFORE.pattern}$"}, "next_before of the page before"),
        ),
    ),
    Route(
        "PUT", f"{_PATH}/attributes", "events:write", put_attributes, "attributes", "Set or remove attributes",
        "customers", {200: answers.CustomerVersion}, (400, 413, 504), Attributes,
    ),
    Route(
        "PUT", f"{_PATH}/consent", "events:write", put_consent, "consent", "Give or withdraw consent", "customers",
        {200: answers.CustomerVersion}, (400, 413, 504), Consent,
    ),
)
