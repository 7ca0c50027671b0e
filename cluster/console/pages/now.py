"""Now: what is decided, how fast, what the gates take out, and what is accepted of what is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from starlette.responses import Response

from cluster.console.api import ApiAnswer
from cluster.console.routing import PageRoute
from cluster.console.view import View
from cluster.console.views import acceptance, flowing
from cluster.console.views.funnel import funnel
from cluster.console.views.windows import WINDOWS, asked_window
from models import limits


async def now(view: View) -> Response:
    live, told = await _told(view)
    choices = {
        "channels": [channel["id"] for channel in view.catalog.get("channels") or ()],
        "actions": [action["id"] for action in view.catalog.get("actions") or ()],
    }
    return view.page("pages/now.html", **_context(view, live, told), choices=choices)


async def live_part(view: View) -> Response:
    live, told = await _told(view)
    live.expect()
    told.expect()
    return view.shared(
        "pages/now_live.html", lambda: {**_context(view, live, told), "choices": None}, etag=(live.etag, told.etag),
        age_ms=_age_ms(live),
    )


async def _told(view: View) -> tuple[ApiAnswer, ApiAnswer]:
    return await asyncio.gather(view.api.get("/v1/live"), view.api.get("/v1/funnel", params=_asked(view)))


def _asked(view: View) -> dict[str, str | None]:
    """What is counted: the window, and one channel or action alone."""
    return {
        "window": asked_window(view.query.get("window"), "hour").id, "channel": view.query.get("channel") or None,
        "action": view.query.get("action") or None,
    }


def _age_ms(live: ApiAnswer) -> int | None:
    return live.age_ms if live.age_ms is not None else (live.data or {}).get("age_ms")


def _context(view: View, live_answer: ApiAnswer, told_answer: ApiAnswer) -> dict[str, Any]:
    live, told, asked = live_answer.expect(), told_answer.expect(), _asked(view)
    window = asked_window(asked["window"], "hour")
    minutes = flowing.minutes(live["minutes"])
    contacts = acceptance.contacts(told["actions"], limits.CONSOLE_ACTIONS_SHOWN_MAX)
    rates = acceptance.acceptances(told["actions"])[: limits.CONSOLE_RATES_SHOWN_MAX]
    return {
        "live": live, "told": told, "asked": asked, "window": window.id, "window_title": window.words,
        "windows": WINDOWS, "pulse": flowing.pulse(live), "minutes": minutes,
        "newest": flowing.flowing(live["recent"], limits.CONSOLE_DECISIONS_SHOWN_MAX),
        "per_minute": _per_minute(view, minutes), "funnel": funnel(told["gates"]), "contacts": contacts,
        "by_action": _by_action([one for one in contacts if one.chosen]), "acceptance": rates,
        "reach": acceptance.reach(rates),
        "origin": f"{view.request.url.scheme}://{view.request.url.netloc}", "example": _example(view),
    }


def _per_minute(view: View, minutes: tuple[flowing.Minute, ...]) -> dict[str, Any]:
    return {
        "kind": "stacked", "x": [flowing.clock(minute.time, view.formats.zone) for minute in minutes], "series": [
            {"name": "decisions", "data": [minute.clear for minute in minutes], "tone": "accent"},
            {"name": "degraded", "data": [minute.degraded for minute in minutes], "tone": "warn"},
        ],
    }


def _by_action(contacts: Sequence[acceptance.Contacts]) -> dict[str, Any]:
    return {
        "kind": "bar", "x": [one.action for one in contacts], "horizontal": True, "series": [
            {"name": "chosen", "data": [one.chosen for one in contacts]},
            {"name": "confirmed", "data": [one.confirmed for one in contacts]},
            {"name": "accepted", "data": [one.accepted for one in contacts]},
        ],
    }


def _example(view: View) -> dict[str, str]:
    """A placement to ask about, with its channel."""
    placements = view.catalog.get("placements") or [{"id": "home_hero", "channel": "web"}]
    return {"id": placements[0]["id"], "channel": placements[0]["channel"]}


ROUTES: Final = (
    PageRoute("GET", "/now", now, "Now", nav=True),
    PageRoute("GET", "/now/live", live_part, "Now"),
)
