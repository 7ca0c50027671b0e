"""Where the console begins: the first page of the navigation that the viewer may see."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from cluster.console.routing import PageRoute
from cluster.console.view import View


async def home(view: View) -> Response:
    permitted = (route.path for route in view.navigation if route.scope is None or view.can(route.scope))
    return view.moved(next(permitted, "/session"))


ROUTES: Final = (PageRoute("GET", "/", home, "Kairos", scope=None),)
