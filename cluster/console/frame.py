"""What all pages share in one process: templates, static files, connections to the API, navigation, answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from cluster.console.api import Connections
from cluster.console.catalog_facts import CatalogFacts
from cluster.console.formats import Formats
from cluster.console.problems import Problem
from cluster.console.rendering import Renderer
from cluster.console.routing import PageRoute
from cluster.console.security import HEADERS
from cluster.console.session import Session, Sessions
from cluster.console.static_files import StaticFiles

if TYPE_CHECKING:
    from cluster.console.view import View

COOKIE: Final = "kairos_console"


@dataclass(frozen=True, slots=True)
class ConsoleConfig:
    """``api_url``: where the API answers this process. ``origins``: see ``security.refused_origin``."""

    api_url: str
    origins: tuple[str, ...] = ()
    #: Tests put the API here.
    transport: httpx.AsyncBaseTransport | None = None


class Frame:
    """One per process and event loop."""

    def __init__(self, config: ConsoleConfig, sessions: Sessions, routes: Sequence[PageRoute]) -> None:
        self.config: Final = config
        self.headers: Final = HEADERS
        self.static: Final = StaticFiles()
        self.navigation: Final = tuple(route for route in routes if route.nav)
        self.connections: Final = Connections(config.api_url, config.transport)
        self.catalog: Final = CatalogFacts(time.monotonic)
        self._sessions = sessions
        self._renderer: Final = Renderer(self.static)
        self.version: Final = self._renderer.version

    def html(self, template: str, context: dict[str, Any], formats: Formats, status: int = 200) -> Response:
        return HTMLResponse(self._renderer.render(template, formats, context), status, headers=dict(self.headers))

    def problem(self, problem: Problem, view: View | None = None, *, part: bool = False) -> Response:
        """With the navigation when somebody is signed in; only the message itself for a script of ours."""
        if view is not None:
            template = "problem_part.html" if view.is_part else "problem.html"
            return view.fragment(template, status=problem.status, problem=problem, title=problem.title)
        context = {
            "session": None, "navigation": (), "title": problem.title, "here": "", "csrf": "", "problem": problem,
            "query": {},
        }
        return self.html("problem_part.html" if part else "problem.html", context, Formats(), problem.status)

    async def session(self, request: Request) -> Session | None:
        cookie = request.cookies.get(COOKIE, "")
        return await self._sessions.find(cookie) if cookie else None

    async def end_session(self, request: Request) -> None:
        if cookie := request.cookies.get(COOKIE, ""):
            await self._sessions.end(cookie)

    async def aclose(self) -> None:
        await self.connections.aclose()
