"""Why a decision came out as it did: in a sentence, gate by gate, again, and beside the same question asked now."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.responses import Response

from cluster.console import address
from cluster.console.api import ApiAnswer
from cluster.console.problems import PageProblem, Problem
from cluster.console.routing import PageRoute
from cluster.console.view import View
from cluster.console.views import why, why_now
from models import limits


async def find(view: View) -> Response:
    """A form for an id, and the newest decisions."""
    wanted = view.query.get("decision_id", "").strip()
    if wanted:
        return view.moved("/why", wanted)
    live = await view.api.get("/v1/live") if view.can("config:read") else None
    recent = live.data.get("recent", []) if live is not None and live.ok else []
    return view.page("pages/why_find.html", recent=recent[: limits.CONSOLE_DECISIONS_SHOWN_MAX])


async def show(view: View) -> Response:
    return view.page("pages/why.html", **await _context(view))


async def rerun(view: View) -> Response:
    """Decides again from the journal and compares; nothing is left behind."""
    answer = await view.api.post(f"{_call(view)}:rerun", changing=False)
    if view.is_part:
        return view.fragment("pages/why_rerun.html", decision_id=view.path["decision_id"], rerun=answer)
    return view.page("pages/why.html", **{**await _context(view), "rerun": answer})


async def candidates(view: View) -> Response:
    """Every candidate, however many, for a spreadsheet."""
    explanation = (await view.api.get(f"{_call(view)}/explanation")).expect()
    header, rows = why.table(why.candidates(explanation))
    return view.csv(f"candidates-{view.path['decision_id']}", header, rows)


def _call(view: View) -> str:
    return address.call("/v1/decisions", view.path["decision_id"])


async def _context(view: View) -> dict[str, Any]:
    call = _call(view)
    told, explained = await asyncio.gather(view.api.get(call), view.api.get(f"{call}/explanation"))
    record, explanation = _expected(told), _expected(explained)
    found, wanted = why.candidates(explanation), view.query.get("action", "")
    beside = await _beside(view, record, explanation, found) if "now" in view.query else None
    return {
        "record": record, "decision": record["decision"], "explanation": explanation, "found": found,
        "items": why.items(record["decision"]), "steps": why.steps(explanation["funnel"]), "wanted": wanted,
        "answer": why.answer_for(found, wanted), "fitting": len(why.matching(found, wanted)),
        "groups": why.grouped(found, wanted, limits.CONSOLE_CANDIDATES_SHOWN_MAX), "beside": beside, "rerun": None,
    }


def _expected(answer: ApiAnswer) -> Any:
    if answer.status == 404:
        raise PageProblem(Problem(
            404, "There is no such decision", answer.problem.detail,
            "Look at the id. If its customer was erased, the decision went with them.",
        ))
    return answer.expect()


async def _beside(
    view: View, record: dict[str, Any], explanation: dict[str, Any], then: list[why.Candidate]
) -> dict[str, Any]:
    """The same question asked now, as a dry run; ``refused``: why it cannot be asked any more."""
    answer = await view.api.post("/v1/explanations", body=why_now.question(record["request"]), changing=False)
    if not answer.ok:
        return {"refused": answer.problem}
    explained = answer.data["explanation"]
    now = why.candidates(explained)
    return {
        "refused": None, "time": explained["time"],
        "versions": why_now.versions(explanation["versions"], explained["versions"]),
        "places": why_now.places(why.items(record["decision"]), why.items(answer.data)),
        "pairs": why_now.pairs(then, now)[: limits.CONSOLE_CANDIDATES_SHOWN_MAX],
        "changed": sum(pair.changed for pair in why_now.pairs(then, now)), "total": len(now),
    }


_SCOPE: Final = "profiles:read"
ROUTES: Final = (
    PageRoute("GET", "/why", find, "Why", scope=_SCOPE, nav=True),
    PageRoute("GET", "/why/{decision_id}", show, "Why", scope=_SCOPE),
    PageRoute("GET", "/why/{decision_id}/candidates", candidates, "Candidates", scope=_SCOPE),
    PageRoute("POST", "/why/{decision_id}/rerun", rerun, "Why", scope=_SCOPE),
)
