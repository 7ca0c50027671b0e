"""Cluster: shards, coordinator, gateways, Insight, and what to do about what is not as it should be."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, Final

import orjson
from starlette.responses import Response

from cluster.console.api import ApiAnswer
from cluster.console.routing import PageRoute
from cluster.console.view import View
from cluster.console.views.cluster import cluster, positions
from cluster.console.views.runbook import runbook

#: What a status lacks while the coordinator is away.
_UNTOLD: Final = {
    "epoch": None, "clock": "unknown", "catalog_version": None, "scorer_version": None, "scorer_note": "",
    "evidence_version": None,
}


async def show(view: View) -> Response:
    status, live = await _told(view)
    return view.page("pages/cluster.html", **_context(status, live))


async def live_part(view: View) -> Response:
    status, live = await _told(view)
    told = orjson.dumps([status.data, live.status, live.data if live.ok else None])
    return view.fragment(
        "pages/cluster_live.html", etag=hashlib.sha256(told).hexdigest(), age_ms=0, **_context(status, live),
    )


async def read_runbook(view: View) -> Response:
    return view.page("pages/runbook.html", sections=list(runbook().values()))


async def _told(view: View) -> tuple[ApiAnswer, ApiAnswer]:
    """What the shards tell as of now; Insight may be away, and is then told to be."""
    status, live = await asyncio.gather(view.api.get("/v1/status"), view.api.get("/v1/live"))
    status.expect()
    return status, live


def _context(status: ApiAnswer, live_answer: ApiAnswer) -> dict[str, Any]:
    told, live = status.data, live_answer.data if live_answer.ok else None
    age_ms = None if live is None else live_answer.age_ms if live_answer.age_ms is not None else live["age_ms"]
    return {
        "reported": {**_UNTOLD, **told}, "live": live, "insight_age_ms": age_ms, "cluster": cluster(told, live, age_ms),
        "positions": positions(live) if live is not None else (),
    }


ROUTES: Final = (
    PageRoute("GET", "/cluster", show, "Cluster", nav=True),
    PageRoute("GET", "/cluster/live", live_part, "Cluster"),
    PageRoute("GET", "/cluster/runbook", read_runbook, "Runbook", scope=None),
)
