"""What if another catalog were live: who would get something else, and why."""

from __future__ import annotations

from typing import Any, Final

from actors.gateway.catalogs import checked_field
from actors.gateway.denied import require
from actors.gateway.exchange import Answer, Exchange, validate
from actors.gateway.problems import RETRY_LATER, Refused, bad_field
from actors.gateway.routes.configuration import ask_coordinator
from actors.gateway.routing import Route
from actors.gateway.services import Services
from models import limits
from models.ids import tenant_tag
from models.messages.what_if import WhatIf, WhatIfAnswer
from models.turn.commands import DECISION

_WAIT_S: Final = (limits.WHAT_IF_MS_MAX + limits.WHAT_IF_SNAPSHOT_MS_MAX) / limits.SECOND_MS


async def post_what_if(services: Services, exchange: Exchange) -> Answer:
    require(exchange.caller, "config:read")
    asked = validate(WhatIf, await exchange.data(limits.WHAT_IF_BODY_BYTES_MAX))
    commands = _commands(services, exchange, asked)
    plan = await checked_field(services, asked.catalog, "catalog")
    budgets = await ask_coordinator(services, exchange, "budgets")
    if budgets.status != 200:
        return budgets
    tenant = exchange.caller.tenant
    status, answer = await services.insight("what_if", {
        "version": plan.version, "catalog": dict(plan.catalog), "tenant": tenant,
        "tag": tenant_tag(services.settings.secret, tenant), "commands": commands,
        "sample": None if asked.sample is None else {"size": asked.sample.size, "channel": asked.sample.channel},
        "budgets": budgets.value["budgets"],
    }, wait_s=_WAIT_S)
    if status != 200:
        raise Refused(status, answer["detail"], answer["errors"], RETRY_LATER if status in (429, 503) else ())
    return Answer(200, answer)


def _commands(services: Services, exchange: Exchange, asked: WhatIf) -> list[list[Any]] | None:
    """As they go to the shards; None where a sample is asked for."""
    if asked.requests is None:
        return None
    found = []
    for place, request in enumerate(asked.requests):
        if request.foreign_event():
            loc: list[str | int] = ["requests", place, "event", "customer_id"]
            raise bad_field(loc, "the event names another customer than the request")
        request_id = request.request_id or f"{exchange.request_id[:limits.ID_CHARS_MAX - 4]}-{place}"
        body = request.to_command_body(request_id)
        found.append(services.command(exchange.caller, DECISION, request.customer_id, body, request_id).to_wire())
    return found


ROUTES = (
    Route(
        "POST", "/v1/whatif", "profiles:read", post_what_if, "whatif",
        "Who would get something else under another catalog, and why", "decisions", {200: WhatIfAnswer},
        (400, 409, 413), WhatIf,
        description="Needs the scope config:read besides. Every request is a dry run under the live catalog and under "
        "this one, with the same draws, clock and evidence; nothing is changed or published anywhere. `notes` says "
        "what was judged as on the day of a publication: features that start empty, budgets whose cap changes. 422 "
        "tells every error of the catalog, with its line where it is text. 429: several are under way. 503: the "
        "process that decides them, or the coordinator, is away.",
    ),
)
