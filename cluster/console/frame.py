"""What all pages share in one process: templates, static files, connections to the API, navigation, answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from cluster.console.api import Connections
from cluster.console.asked_by import PROBLEM_HEADER, is_live, is_part
from cluster.console.catalog_facts import CatalogFacts
from cluster.console.figures import Figures
from cluster.console.formats import Formats
from cluster.console.problems import Problem
from cluster.console.rendered import RenderedParts
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


@cache
def installed_files() -> StaticFiles:
    """Once per process: what is installed does not change while it runs."""
    return StaticFiles()


@cache
def installed_templates() -> Renderer:
    return Renderer(installed_files())


class Frame:
    """One per process and event loop."""

    def __init__(self, config: ConsoleConfig, sessions: Sessions, routes: Sequence[PageRoute]) -> None:
        self.config: Final = config
        self.headers: Final = HEADERS
        self.static: Final = installed_files()
        self.navigation: Final = tuple(route for route in routes if route.nav)
        self.connections: Final = Connections(config.api_url, config.transport)
        self.catalog: Final = CatalogFacts(time.monotonic)
        self.figures: Final = Figures(time.monotonic)
        self.parts: Final = RenderedParts(time.monotonic)
        self._sessions = sessions
        self._renderer: Final = installed_templates()
        self.version: Final = self._renderer.version

    def html(self, template: str, context: dict[str, Any], formats: Formats, status: int = 200) -> Response:
        return HTMLResponse(self._renderer.render(template, formats, context), status, headers=dict(self.headers))

    def problem(self, problem: Problem, request: Request, view: View | None = None) -> Response:
        """With the navigation when somebody is signed in; for a script of ours only the message itself."""
        if problem.again and is_live(request):
            # Told in a header: a browser takes an error's status, which comes every second, for an error of the page.
            return Response(status_code=204, headers={**self.headers, PROBLEM_HEADER: str(problem.status)})
        template = "problem_part.html" if is_part(request) else "problem.html"
        context = {"problem": problem, "title": problem.title, "whole": not is_part(request)}
        if view is not None:
            return view.page(template, status=problem.status, **context)
        nobody: dict[str, Any] = {"session": None, "navigation": (), "here": "", "csrf": "", "query": {}}
        return self.html(template, {**nobody, **context}, Formats(), problem.status)

    async def session(self, request: Request) -> Session | None:
        cookie = request.cookies.get(COOKIE, "")
        session = await self._sessions.find(cookie) if cookie else None
        if session is not None:
            self.figures.seen(cookie)
        return session

    async def end_session(self, request: Request) -> None:
        if cookie := request.cookies.get(COOKIE, ""):
            await self._sessions.end(cookie)

    async def aclose(self) -> None:
        await self.connections.aclose()
