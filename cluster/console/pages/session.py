"""Who is signed in: the key's name and scopes, and until when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response

from cluster.console.routing import PageRoute
from cluster.console.view import View


async def session(view: View) -> Response:
    await view.api.get("/v1/caller")  # a key that has ended ends the session here, too
    until = datetime.fromtimestamp(view.session.expires_ms / 1_000, UTC)
    return view.page("session.html", until=until)


ROUTES: Final = (PageRoute("GET", "/session", session, "Your session", scope=None),)
