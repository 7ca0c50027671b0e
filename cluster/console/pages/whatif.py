"""Another catalog, before anybody gets it: its errors, what it changes, who would get something else; then publish."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from cluster.console.catalog_trial import Found, Live, checked, compared, live_catalog, published, tried
from cluster.console.problems import PageProblem, of_status
from cluster.console.routing import PageRoute
from cluster.console.view import View
from cluster.console.views.draft import Draft, checked_size, draft_of, sizes
from cluster.console.views.rule_edit import RULE_GATES, put_rule
from models.errors import BadInput

_CHECK, _RULE, _EFFECT, _REVIEW = "check", "rule", "effect", "review"


async def show(view: View) -> Response:
    """The live catalog, ready to be changed; the query may name an action, a gate and a customer to begin with."""
    live = await live_catalog(view.api)
    asked = view.query
    action, gate = asked.get("action", ""), asked.get("gate", "")
    draft = Draft(
        live.text, live.version, action=action, gate=gate if gate in RULE_GATES else RULE_GATES[0],
        rule=_rule(live, action, gate), who="ids" if asked.get("customer") else "sample",
        ids=asked.get("customer", ""), channel=asked.get("channel", ""),
    )
    return _page(view, live, draft, Found())


async def change(view: View) -> Response:
    """One button of the form: put the rule in, check, try, or look it over before publishing."""
    form = await view.form()
    draft, what = _draft(form), form.get("do", _CHECK)
    live = await live_catalog(view.api)
    found = Found()
    if what == _RULE:
        try:
            text, line = await asyncio.to_thread(put_rule, draft.text, draft.action, draft.gate, draft.rule)
        except BadInput as error:
            return _page(view, live, draft, replace(found, rule_error=error.detail), status=422)
        draft, found = replace(draft, text=text), replace(found, caret=line)
    judged = tried(view, live, draft, found) if what == _EFFECT else checked(view, draft, found)
    found = await _beside_live(live, draft, judged)
    if what == _REVIEW and found.may_be_published:
        return _review(view, live, draft, found)
    return _page(view, live, draft, found)


async def publish(view: View) -> Response:
    """Over the version that was looked at, and over no other."""
    form = await view.form()
    draft = _draft(form)
    over = form.get("if_match", "")
    if not over and (live := await live_catalog(view.api)).version:
        return await _overtaken(view, live, draft)  # the call would take no version for any
    answer = await published(view.api, draft.text, over)
    live = await live_catalog(view.api)
    if answer.ok:
        return view.page("pages/whatif_published.html", answer=answer.data, waits=answer.status == 202)
    if answer.status == 409:
        return await _overtaken(view, live, draft)
    if answer.status == 422:
        return _page(view, live, draft, Found.refused(answer), status=422)
    raise PageProblem(answer.problem)


async def _overtaken(view: View, live: Live, draft: Draft) -> Response:
    """Somebody published meanwhile: what differs now, to be looked over again."""
    found = await _beside_live(live, draft, checked(view, draft, Found()))
    if found.may_be_published:
        return _review(view, live, draft, found, overtaken=True)
    return _page(view, live, draft, found, status=409)


def _rule(live: Live, action: str, gate: str) -> str:
    """What the live catalog says there, to be changed; "" without."""
    found: Mapping[str, Any] = next((each for each in live.catalog.get("actions", ()) if each["id"] == action), {})
    return str(found.get(gate) or "") if gate in RULE_GATES else ""


async def _beside_live(live: Live, draft: Draft, judged: Awaitable[Found]) -> Found:
    """What was found, with what differs from the live catalog; worked out while the server judges."""
    found, difference = await asyncio.gather(judged, compared(live, draft))
    return replace(found, difference=difference)


def _draft(form: Any) -> Draft:
    draft = draft_of(form)
    try:
        checked_size(draft)
    except BadInput as error:
        raise PageProblem(of_status(413, error.detail)) from error
    return draft


def _page(view: View, live: Live, draft: Draft, found: Found, status: int = 200) -> Response:
    return view.page(
        "pages/whatif.html", status=status, live=live, draft=draft, found=found, gates=RULE_GATES, sizes=sizes(),
        actions=[str(each["id"]) for each in live.catalog.get("actions", ())],
        channels=[str(each["id"]) for each in live.catalog.get("channels", ())],
        error_lines={error.line for error in found.errors if error.line is not None},
        publishable=view.can("config:write"),
    )


def _review(view: View, live: Live, draft: Draft, found: Found, *, overtaken: bool = False) -> Response:
    return view.page(
        "pages/whatif_review.html", status=409 if overtaken else 200, live=live, draft=draft, found=found,
        overtaken=overtaken,
    )


ROUTES: Final = (
    PageRoute("GET", "/whatif", show, "What-if", nav=True),
    PageRoute("POST", "/whatif", change, "What-if"),
    PageRoute("POST", "/whatif/publish", publish, "Publish a catalog", scope="config:write"),
)
