"""Erase a customer: first what would go, then the id typed once more, then the receipt."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from cluster.console import address
from cluster.console.problems import PageProblem, of_status
from cluster.console.routing import PageRoute
from cluster.console.view import View
from cluster.console.views.moments import counted
from models import limits


async def confirm(view: View) -> Response:
    return await _confirm(view, _id(view.query.get("id", "")))


async def erase(view: View) -> Response:
    form = await view.form()
    id_, typed = _id(form.get("id", "")), form.get("typed", "")
    if id_ not in (typed, typed.strip()):
        return await _confirm(view, id_, typed)
    receipt = (await view.api.delete(address.call("/v1/customers", id_))).expect()
    return view.page("pages/erased.html", id_=id_, receipt=receipt)


def _id(given: str) -> str:
    if not given:
        raise PageProblem(of_status(404, "No customer is named."))
    return given


async def _confirm(view: View, id_: str, typed: str | None = None) -> Response:
    """``typed``: what was written in place of the id."""
    goes = await _what_goes(view, id_) if view.can("profiles:read") else None
    status = 200 if typed is None else 422
    return view.page("pages/erase.html", status=status, id_=id_, goes=goes, typed=typed)


async def _what_goes(view: View, id_: str) -> dict[str, Any]:
    """How much of what is kept about the customer; ``more``: there is more than was counted."""
    call = address.call("/v1/customers", id_)
    customer = (await view.api.get(call)).expect()
    kinds: dict[str, int] = {}
    before, total = None, 0
    while True:
        params = {"limit": limits.TIMELINE_ITEMS_MAX, "before": before}
        page = (await view.api.get(f"{call}/timeline", params=params)).expect()
        for kind, count in counted(page["items"]).items():
            kinds[kind] = kinds.get(kind, 0) + count
        before, total = page["next_before"], total + len(page["items"])
        if before is None or total >= limits.CONSOLE_ERASE_COUNTED_MAX:
            break
    known = {kind: kinds.get(kind, 0) for kind in ("event", "decision", "outcome")}
    return {
        "customer": customer, "counts": {**known, **kinds}, "more": before is not None,
        "values": sum(len(customer.get(part) or ()) for part in ("attributes", "features", "segments", "consent")),
    }


_SCOPE: Final = "profiles:erase"
ROUTES: Final = (
    PageRoute("GET", "/customer/erase", confirm, "Erase a customer", scope=_SCOPE),
    PageRoute("POST", "/customer/erase", erase, "Erase a customer", scope=_SCOPE),
)
