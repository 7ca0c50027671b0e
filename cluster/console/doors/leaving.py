"""``POST /console/out``: ends the session, here and in the store."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from cluster.console.doors.cookies import take_cookie
from cluster.console.routing import PageRoute
from cluster.console.view import View


async def leave(view: View) -> Response:
    await view.sign_out()
    response = view.page("left.html", session=None, navigation=(), csrf="", title="Signed out")
    take_cookie(response, view.request)
    return response


ROUTES: Final = (PageRoute("POST", "/out", leave, "Signed out", scope=None),)
