"""The registry of scorers and their roles: champion, canary, shadow, retired; and the way back."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from actors.gateway.exchange import Answer, Exchange, validate
from actors.gateway.monitors import with_monitors
from actors.gateway.routes.configuration import ask_coordinator
from actors.gateway.routing import Route
from actors.gateway.services import Services
from models.messages import answers
from models.messages.configuration import CanaryShare

Handler = Callable[[Services, Exchange], Coroutine[Any, Any, Answer]]


async def get_scorers(services: Services, exchange: Exchange) -> Answer:
    answer = await ask_coordinator(services, exchange, "scorers")
    return answer if answer.status >= 400 else replace(answer, value=await with_monitors(services, answer.value))


def _changes(change: str) -> Handler:
    """A call that changes the role of the version in its path."""
    async def handle(services: Services, exchange: Exchange) -> Answer:
        asked = {"change": change, "version": exchange.path_ids[0]}
        return await ask_coordinator(services, exchange, "change_roles", asked)

    return handle


async def put_canary(services: Services, exchange: Exchange) -> Answer:
    canary = validate(CanaryShare, await exchange.data())
    asked = {"change": "canary", "version": exchange.path_ids[0], "share": canary.share}
    return await ask_coordinator(services, exchange, "change_roles", asked)


async def roll_back(services: Services, exchange: Exchange) -> Answer:
    return await ask_coordinator(services, exchange, "change_roles", {"change": "rollback"})


_CHANGED: dict[int, type[BaseModel] | None] = {200: answers.RoleChanged, 202: answers.RoleChanged}
ROUTES = (
    Route(
        "GET", "/v1/scorers", "config:read", get_scorers, "scorers", "Registered scorers and their roles",
        "configuration", {200: answers.Scorers},
        description="`monitor`: labels that were settled over the last seven days against what was predicted, and how "
        "far features moved from what the scorer learnt from. A label settles when its response window has ended.",
    ),
    Route(
        "POST", "/v1/scorers/{version}:promote", "config:write", _changes("promote"), "promote",
        "Make a scorer champion, or the predictor of its target", "configuration", _CHANGED, (404, 409),
        description="The file is verified first: where it is damaged, or reads what the catalog lacks, the call is "
        "refused and the champion stays. 202: some live shards have not adopted the change yet; they will.",
    ),
    Route(
        "POST", "/v1/scorers/{version}:shadow", "config:write", _changes("shadow"), "shadow",
        "Let a scorer score what others decide", "configuration", _CHANGED, (404, 409),
    ),
    Route(
        "POST", "/v1/scorers/{version}:canary", "config:write", put_canary, "canary",
        "Let a scorer decide for a share of the customers", "configuration", _CHANGED, (400, 404, 409, 413),
        CanaryShare,
        description="By a stable hash of scorer and customer: a larger share keeps whom it had. 0 ends the canary.",
    ),
    Route(
        "POST", "/v1/scorers/{version}:retire", "config:write", _changes("retire"), "retire",
        "Take every role from a scorer", "configuration", _CHANGED, (404, 409),
    ),
    Route(
        "POST", "/v1/scorers:rollback", "config:write", roll_back, "rollback",
        "Make the champion before champion again", "configuration", _CHANGED, (404, 409),
        description="Of a first champion: evidence alone decides again.",
    ),
)
