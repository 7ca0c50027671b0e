"""A customer, now or at any moment before: state, contacts and what is still allowed, what happened."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from cluster.console import address
from cluster.console.api import ApiAnswer
from cluster.console.routing import PageRoute
from cluster.console.view import View
from cluster.console.views import customer as views
from cluster.console.views import moments
from cluster.console.views.contact_line import contact_line
from cluster.console.views.policy_words import policy_words
from models import limits
from models.errors import BadInput
from models.times import format_time, parse_time_ms
from models.units import MINUTE_MS


async def show(view: View) -> Response:
    """One page for the form, a customer now (its state is a live fragment), and a customer at a moment."""
    id_ = view.query.get("id", "")
    if not id_:
        return await _find(view)
    as_of = _moment_asked(view.query.get("as_of", ""), view.formats.zone)
    now, told = await asyncio.gather(_customer(view, id_), _timeline(view, id_, view.query.get("before")))
    then = await _customer(view, id_, as_of) if as_of and now.ok else now
    for answer in (now, then, told):
        if not answer.ok:
            return await _find(view, answer, id_, as_of)
    moment_ms = parse_time_ms(then.data["as_of"]["time"]) if as_of else await _clock_ms(view)
    return view.page(
        "pages/customer.html", **_context(view, now.data, then.data, told.data, moment_ms, as_of)
    )


async def live(view: View) -> Response:
    """Now. Windows roll and policies free without a new version: it is told anew every minute at least."""
    id_ = view.query.get("id", "")
    now = (await _customer(view, id_)).expect()
    moment_ms = await _clock_ms(view)
    etag = f"{id_} {now['state_version']} {moment_ms // MINUTE_MS}"
    told: dict[str, Any] = {"items": [], "next_before": None}
    if not view.shows(etag):
        told = (await _timeline(view, id_, view.query.get("before"))).expect()
    return view.fragment(
        "pages/customer_body.html", etag=etag, age_ms=0, **_context(view, now, now, told, moment_ms, "")
    )


async def _find(view: View, refused: ApiAnswer | None = None, id_: str = "", as_of: str = "") -> Response:
    """The form; with ``refused``, why there is nothing to show."""
    seen = await view.api.get("/v1/live") if view.can("config:read") else None
    recent = seen.data.get("recent", []) if seen is not None and seen.ok else []
    ids = list(dict.fromkeys(one["customer_id"] for one in recent if one.get("customer_id")))
    status = 200 if refused is None else refused.status
    return view.page(
        "pages/customer_find.html", status=status, seen=ids[: limits.CONSOLE_MOMENTS_SHOWN], id_=id_, as_of=as_of,
        refused=None if refused is None else refused.problem,
    )


async def _customer(view: View, id_: str, as_of: str = "") -> ApiAnswer:
    return await view.api.get(
        address.call("/v1/customers", id_), params={"policies": True, "as_of": as_of or None}
    )


async def _timeline(view: View, id_: str, before: str | None) -> ApiAnswer:
    params = {"limit": limits.CONSOLE_MOMENTS_SHOWN, "before": before or None}
    return await view.api.get(address.call("/v1/customers", id_, "timeline"), params=params)


def _context(
    view: View, now: dict[str, Any], then: dict[str, Any], told: dict[str, Any], moment_ms: int, as_of: str
) -> dict[str, Any]:
    found = moments.moments(told["items"])
    return {
        **_state(view, now, then, moment_ms, as_of), "moments": found, "next_before": told["next_before"],
        "before": view.query.get("before"),
        "step": moments.step(found, then["state_version"], now["state_version"]),
    }


def _state(view: View, now: dict[str, Any], then: dict[str, Any], moment_ms: int, as_of: str) -> dict[str, Any]:
    return {
        "customer": then, "newest": now["state_version"], "as_of": as_of, "moment": format_time(moment_ms),
        "parts": {part.id: part for part in views.parts(then, now if as_of else None)}, "columns": views.COLUMNS,
        "allowances": views.allowances(then),
        "words": {} if as_of else policy_words(view.catalog),
        "differences": views.differences(then, now) if as_of else [],
        "line": contact_line(then, moment_ms, ZoneInfo(view.formats.zone)),
    }


async def _clock_ms(view: View) -> int:
    """Where the decision clock stands; the wall's for a viewer who may not ask."""
    answer = await view.api.get("/v1/clock") if view.can("config:read") else None
    if answer is not None and answer.ok:
        return parse_time_ms(answer.data["time"])
    return int(datetime.now(UTC).timestamp() * 1_000)


def _moment_asked(text: str, zone: str) -> str:
    """A version or a time as the calls take it; a time without an offset is one of the catalog's zone."""
    text = text.strip()
    if not text or text.isdecimal():
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    try:
        return format_time(parse_time_ms(moment.isoformat()))
    except BadInput:
        return text


_SCOPE: Final = "profiles:read"
ROUTES: Final = (
    PageRoute("GET", "/customer", show, "Customer", scope=_SCOPE, nav=True),
    PageRoute("GET", "/customer/live", live, "Customer", scope=_SCOPE),
)
