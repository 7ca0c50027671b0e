"""What is decided now, and what became of it: counts that Insight keeps, as the caller may see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from actors.gateway.conditional import conditional
from actors.gateway.exchange import Answer, Exchange
from actors.gateway.problems import bad_field
from actors.gateway.routing import Query, Route
from actors.gateway.services import Services
from models import limits
from models.ids import tenant_tag
from models.insight.history import WINDOWS
from models.messages import insight

#: Whoever has it sees whom a decision was for.
SEES_CUSTOMERS: Final = "profiles:read"
_WINDOW: Final = "day"
_AGE: Final = b"x-data-age-ms"


async def get_live(services: Services, exchange: Exchange) -> Answer:
    caller = exchange.caller
    sees = caller.allows(SEES_CUSTOMERS)
    part = "" if sees else "masked"
    told = await services.counted.live(tenant_tag(services.settings.secret, caller.tenant))
    if not sees:
        told["recent"] = [{**decision, "customer_id": None} for decision in told["recent"]]
    return conditional(exchange, _tag(told, part), told, ((_AGE, b"%d" % told["age_ms"]),))


async def get_funnel(services: Services, exchange: Exchange) -> Answer:
    window = exchange.query.get("window", _WINDOW)
    if window not in WINDOWS:
        raise bad_field(["query", "window"], f"give one of {', '.join(WINDOWS)}")
    told = await services.counted.funnel(window, _id(exchange, "channel"), _id(exchange, "action"))
    return conditional(exchange, _tag(told, ""), told)


def _id(exchange: Exchange, name: str) -> str | None:
    """An id from the query; one of which nothing was counted is no error."""
    text = exchange.query.get(name)
    if text is not None and not 0 < len(text) <= limits.ID_CHARS_MAX:
        raise bad_field(["query", name], f"give 1 to {limits.ID_CHARS_MAX} characters")
    return text


def _tag(told: Mapping[str, Any], part: str) -> str:
    """``part``: what of it the caller sees."""
    return f"{part}{told['version']}"


_ID: Final = {"type": "string", "minLength": 1, "maxLength": limits.ID_CHARS_MAX}
ROUTES = (
    Route(
        "GET", "/v1/live", "config:read", get_live, "live", "What is decided now", "insight", {200: insight.Live},
        is_conditional=True,
        description="Counts are of the whole installation; `recent` holds decisions of the caller's tenant alone, "
        "with `customer_id` for callers that have the scope profiles:read. 503 while the process that counts is away: "
        "decisions do not need it.",
    ),
    Route(
        "GET", "/v1/funnel", "config:read", get_funnel, "funnel", "Which gate removed how many, and what was accepted",
        "insight", {200: insight.Funnel}, is_conditional=True, query=(
            Query("window", {"type": "string", "enum": list(WINDOWS), "default": _WINDOW},
                  "How far back, by the journals' clock"),
            Query("channel", _ID, "Of one channel alone"),
            Query("action", _ID, "Of one action alone"),
        ),
        description="Counts of the whole installation. Gates are those of an explanation: an action counts where the "
        "first gate removed it.",
    ),
)
