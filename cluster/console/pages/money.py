"""Money and caps: budgets and their pace, where the units lie, contacts granted and refused per policy."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.responses import Response

from cluster.console.routing import PageRoute
from cluster.console.view import View
from cluster.console.views.funnel import policies
from cluster.console.views.money import budgets
from cluster.console.views.policy_words import policy_words
from cluster.console.views.windows import WINDOWS, Window, asked_window
from models import limits
from models.times import parse_time_ms
from models.units import SECOND_MS


@dataclass(frozen=True, slots=True)
class _Told:
    budgets: Sequence[dict[str, Any]]
    funnel: dict[str, Any]
    #: Changes when any of it does.
    etag: str
    now_ms: int
    #: Since the budgets were told.
    age_ms: int


async def money(view: View) -> Response:
    return view.page("pages/money.html", **_context(view, await _ask(view)))


async def live_part(view: View) -> Response:
    """What was spent is told as of the last seconds; the time that passes is shown at most once in a few seconds."""
    told = await _ask(view, limits.CONSOLE_BUDGETS_BELIEVED_MS)
    step = told.now_ms // (limits.CONSOLE_PACE_STEP_S * SECOND_MS)
    return view.shared(
        "pages/money_live.html", lambda: _context(view, told), etag=(told.etag, str(step)), age_ms=told.age_ms,
    )


async def _ask(view: View, believed_ms: int = 0) -> _Told:
    """``believed_ms``: for how long budgets are, which the server asks of every shard twice to be exact."""
    window = _window(view)
    caps, clock, funnel = await asyncio.gather(
        view.api.lately("/v1/budgets", believed_ms), view.api.get("/v1/clock"),
        view.api.get("/v1/funnel", params={"window": window.id}),
    )
    told, counted = caps.expect()["budgets"], funnel.expect()
    parts = orjson.dumps([told, counted["policies"], counted["budgets"]])
    return _Told(told, counted, hashlib.sha256(parts).hexdigest(), parse_time_ms(clock.expect()["time"]),
                 caps.age_ms or 0)


def _window(view: View) -> Window:
    return asked_window(view.query.get("window"), "day")


def _context(view: View, told: _Told) -> dict[str, Any]:
    window = _window(view)
    dry = {one["budget"]: one["dry"] for one in told.funnel["budgets"]}
    shown = budgets(told.budgets, dry, told.now_ms)
    return {
        "told": told.budgets, "budgets": shown, "policies": policies(told.funnel["policies"]),
        "shares": [(budget, share) for budget in shown for share in budget.shares],
        "words": policy_words(view.catalog), "window": window.id, "window_title": window.words, "windows": WINDOWS,
        "origin": f"{view.request.url.scheme}://{view.request.url.netloc}",
    }


ROUTES: Final = (
    PageRoute("GET", "/money", money, "Money and caps", nav=True),
    PageRoute("GET", "/money/live", live_part, "Money and caps"),
)
