"""The console with its doors: what needs no session is answered here, everything else by the pages."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cluster.console.app import Console, console_app
from cluster.console.doors import entering, leaving, links
from cluster.console.doors.sealed import SealedSessions
from cluster.console.figures import name_page
from cluster.console.frame import ConsoleConfig, Frame
from cluster.console.pages import ROUTES


def console_with_doors(config: ConsoleConfig, sessions: SealedSessions) -> Console:
    async def doors(request: Request, path: str, frame: Frame) -> Response | None:
        if path == links.PATH and request.method == "POST":
            name_page(request.scope, links.PATH)
            return await links.make_link(request, frame, sessions)
        if path.startswith(entering.PREFIX):
            name_page(request.scope, entering.PREFIX)
            return await entering.enter(request, path.removeprefix(entering.PREFIX), frame, sessions)
        return None

    return console_app(config, sessions, doors=doors, routes=(*ROUTES, *leaving.ROUTES))
