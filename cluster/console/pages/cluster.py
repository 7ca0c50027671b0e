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
from cluster.console.views.cluster import cluster, gateways, positions
from cluster.console.views.runbook import runbook
from models import limits

#: What a status lacks while the coordinator is away.
_UNTOLD: Final = {
    "epoch": None, "clock": "unknown", "catalog_version": None, "scorer_version": None, "scorer_note": "",
    "evidence_version": None, "serving": None,
}

_PASSING: Final = frozenset({"now_ms", "clock_ms", "reported_ms_ago", "checkpoint_age_s"})


async def show(view: View) -> Response:
    status, live = await _told(view)
    return view.page("pages/cluster.html", **_context(status, live))


async def live_part(view: View) -> Response:
    status, live = await _told(view)
    context = _context(status, live)
    return view.shared("pages/cluster_live.html", lambda: context, etag=_etag(status.data, live, context), age_ms=0)


def _etag(status: dict[str, Any], live: ApiAnswer, context: dict[str, Any]) -> str:
    """Of what is shown, without what only says that time passes; how long ago a checkpoint was, in steps."""
    shards = [
        {**{name: value for name, value in shard.items() if name not in _PASSING},
         "checkpoint": (shard.get("checkpoint_age_s") or 0) // limits.CONSOLE_PACE_STEP_S}
        for shard in status["shards"]
    ]
    findings = [(finding.where, finding.what) for finding in context["cluster"].findings]
    return hashlib.sha256(orjson.dumps([{**status, "shards": shards}, live.status, live.etag, findings])).hexdigest()


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
        "gateways": gateways(told), "positions": positions(live) if live is not None else (),
    }


ROUTES: Final = (
    PageRoute("GET", "/cluster", show, "Cluster", nav=True),
    PageRoute("GET", "/cluster/live", live_part, "Cluster"),
    PageRoute("GET", "/cluster/runbook", read_runbook, "Runbook", scope=None),
)
