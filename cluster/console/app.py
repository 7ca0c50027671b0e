"""The console as an ASGI application, to be mounted at ``/console``."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cluster.console.api import Api
from cluster.console.figures import FILES, name_page
from cluster.console.formats import Formats
from cluster.console.frame import COOKIE, ConsoleConfig, Frame
from cluster.console.pages import ROUTES
from cluster.console.problems import PageProblem, Problem, SessionOver, lacks, of_status
from cluster.console.routing import Found, PageRoute, Routes, path_below
from cluster.console.security import refused_origin, refused_token
from cluster.console.session import Session, Sessions
from cluster.console.static_files import PREFIX
from cluster.console.view import View

__all__ = ["Console", "ConsoleConfig", "console_app"]

log = structlog.get_logger(__name__)
#: Ways in that need no session: they take the request below the root and answer it, or return None.
Doors = Callable[[Request, str, Frame], Awaitable[Response | None]]
_CHANGING: Final = frozenset({"POST", "PUT", "DELETE", "PATCH"})


def console_app(
    config: ConsoleConfig, sessions: Sessions, *, doors: Doors | None = None, routes: Sequence[PageRoute] = ROUTES,
) -> Console:
    """``doors(request, path_below_the_console, frame) -> awaitable of Response | None`` is asked before the pages, for
    whatever needs no session."""
    return Console(Frame(config, sessions, routes), Routes(routes), doors)


class Console:
    """ASGI. Close it with ``aclose`` when its server ends."""

    def __init__(self, frame: Frame, routes: Routes, doors: Doors | None) -> None:
        self.frame: Final = frame
        self._routes = routes
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            request = Request(scope, receive)
            began = time.monotonic()
            response = await self._answer(request)
            self.frame.figures.answered(scope, response.status_code, time.monotonic() - began)
            await response(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def aclose(self) -> None:
        await self.frame.aclose()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send({"type": "lifespan.startup.complete"})

    async def _answer(self, request: Request) -> Response:
        path = path_below(request.scope)
        if path.startswith(PREFIX):
            name_page(request.scope, FILES)
            return self._static(request, path)
        began = time.monotonic()
        try:
            if self._doors is not None and (door := await self._doors(request, path, self.frame)) is not None:
                return door
            return await self._page(request, path)
        except PageProblem as problem:
            return self._told(request, problem)
        except Exception as error:
            log.exception(
                "console_failed", call=path.split("/")[1], error=type(error).__name__,
                took_ms=round((time.monotonic() - began) * 1_000, 1),
            )
            return self._told(request, PageProblem(of_status(500, "The console itself failed to make this page.")))

    def _static(self, request: Request, path: str) -> Response:
        found = self.frame.static.answer(
            path.removeprefix(PREFIX), request.headers.get("accept-encoding", ""),
            request.headers.get("if-none-match", ""),
        )
        return found or self._told(request, PageProblem(of_status(404, "There is no such file.")))

    async def _page(self, request: Request, path: str) -> Response:
        found = self._routes.find(request.method, path)
        if isinstance(found, Found):
            name_page(request.scope, found.route.path)
        session = await self.frame.session(request)
        if session is None:
            raise SessionOver(
                "There is no session in this browser, or it has ended: one lasts 12 hours, and no longer than its key."
            )
        view = await self._view(request, session, found)
        if not isinstance(found, Found):
            said = f"The console has no such page: {path[:200]}"
            return view.problem(Problem(405 if found else 404, "No such page", said, "Follow the links of the pages."))
        try:
            await self._permitted(request, view, found.route)
            return await found.route.handler(view)
        except SessionOver:
            await self.frame.end_session(request)
            raise
        except PageProblem as refused:
            return view.problem(refused.problem)

    async def _view(self, request: Request, session: Session, found: Found | frozenset[str]) -> View:
        api = Api(self.frame.connections, session.key)
        route, values = (found.route, found.path) if isinstance(found, Found) else (None, {})
        try:
            formats = await self.frame.catalog.formats(api, session.can("config:read"))
        except SessionOver:
            await self.frame.end_session(request)
            raise
        except PageProblem:
            formats = Formats()
        return View(request, self.frame, route, session, api, formats, values)

    async def _permitted(self, request: Request, view: View, route: PageRoute) -> None:
        if request.method in _CHANGING:
            problem = refused_origin(request.headers, self.frame.config.origins) or refused_token(
                view.session.csrf, await view.token()
            )
            if problem:
                raise PageProblem(problem)
        if route.scope is not None and not view.can(route.scope):
            raise PageProblem(lacks(route.scope))

    def _told(self, request: Request, problem: PageProblem) -> Response:
        response = self.frame.problem(problem.problem, request)
        if isinstance(problem, SessionOver):
            response.delete_cookie(COOKIE, path="/console", httponly=True, samesite="strict")
        return response
