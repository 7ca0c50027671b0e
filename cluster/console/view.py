"""One request as a page sees it: who is looking, what they ask for, and the answers it can give."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from cluster.console import address
from cluster.console.asked_by import AGE_HEADER, is_part
from cluster.console.forms import Form, read_form
from cluster.console.problems import Problem
from cluster.console.security import CSRF_FIELD, CSRF_HEADER
from cluster.console.session import Session

if TYPE_CHECKING:
    from cluster.console.api import Api
    from cluster.console.formats import Formats
    from cluster.console.frame import Frame
    from cluster.console.routing import PageRoute

_RISKY: Final = ("=", "+", "-", "@", "\t", "\r")


class View:
    """``api`` calls with the viewer's own key; ``path`` holds the named segments, ``query`` the last value of each."""

    def __init__(
        self, request: Request, frame: Frame, route: PageRoute | None, session: Session, api: Api, formats: Formats,
        path: Mapping[str, str],
    ) -> None:
        self.request: Final = request
        self.session: Final = session
        self.api: Final = api
        self.formats: Final = formats
        self.path: Final = path
        self.query: Final[Mapping[str, str]] = dict(request.query_params)
        self._frame = frame
        self._route = route
        self._form: Form | None = None

    @property
    def navigation(self) -> Sequence[PageRoute]:
        return self._frame.navigation

    @property
    def catalog(self) -> Mapping[str, Any]:
        """The live catalog as it was told lately; empty for a viewer who may not read it, or when there is none."""
        return self._frame.catalog.catalog if self.can("config:read") else {}

    def can(self, scope: str) -> bool:
        return self.session.can(scope)

    @property
    def is_part(self) -> bool:
        """Asked by a script of ours for a part of a page, not by a browser for a whole one."""
        return is_part(self.request)

    async def form(self) -> Form:
        """The form that was sent. Raises ``PageProblem`` when it is too large or none."""
        if self._form is None:
            self._form = await read_form(self.request)
        return self._form

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """A whole page: the template extends ``layout.html``."""
        return self._frame.html(template, self._context(context), self.formats, status)

    def fragment(
        self, template: str, *, etag: str | Sequence[str | None] | None = None, age_ms: int | None = None,
        status: int = 200, **context: Any,
    ) -> Response:
        """A part of a page. ``etag``: of the data it shows (several are taken together; None among them: none); when
        the browser has just that, a 304. ``age_ms``: how old the data are."""
        headers = self._told_with(self._tag(etag), age_ms)
        if self.shows(etag):
            return Response(status_code=304, headers=headers)
        answer = self._frame.html(template, self._context(context), self.formats, status)
        answer.headers.update(headers)
        return answer

    def shared(
        self, template: str, context: Callable[[], Mapping[str, Any]], *, etag: str | Sequence[str | None],
        age_ms: int | None = None,
    ) -> Response:
        """A ``fragment`` that all who see the same get as it was rendered once. ``context`` is asked only when it is to
        be rendered; of the viewer the template gets nothing but ``formats`` and ``query``."""
        tag = self._tag(etag)
        headers = self._told_with(tag, age_ms)
        if self.shows(etag):
            return Response(status_code=304, headers=headers)
        part = template, tag or "", str(self.request.base_url)
        html = self._frame.parts.get(part) if tag else None
        if html is None:
            given = {"formats": self.formats, "query": self.query, **context()}
            html = bytes(self._frame.html(template, given, self.formats).body)
            if tag:
                self._frame.parts.keep(part, html)
        return HTMLResponse(html, headers=headers)

    def _told_with(self, tag: str | None, age_ms: int | None) -> dict[str, str]:
        age = {} if age_ms is None else {AGE_HEADER: str(max(0, age_ms))}
        return {**self._frame.headers, **age, **({} if tag is None else {"etag": tag})}

    def csv(self, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
        """A file to keep. A cell of text that a spreadsheet would take for a formula is quoted as text."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([_harmless(cell) for cell in header])
        writer.writerows([_harmless(cell) for cell in row] for row in rows)
        plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in name)
        return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers={
            **self._frame.headers, "content-disposition": f'attachment; filename="{plain}.csv"',
        })

    def moved(self, path: str, *segments: str, **query: object) -> Response:
        """303 to a page of ours: ``moved("/why", decision_id)``."""
        return RedirectResponse(address.page(path, *segments, **query), 303, headers=dict(self._frame.headers))

    def problem(self, problem: Problem) -> Response:
        """The page (or, for a script, the part) that tells a problem."""
        return self._frame.problem(problem, self.request, self)

    async def sign_out(self) -> None:
        """End the session that this request came with."""
        self.api.forget()
        await self._frame.end_session(self.request)

    async def token(self) -> str:
        """What the request gives as the session's secret."""
        return self.request.headers.get(CSRF_HEADER) or (await self.form()).get(CSRF_FIELD, "")

    def shows(self, etag: str | Sequence[str | None] | None) -> bool:
        """Whether the browser has just that: ``fragment`` will be a 304, so nothing more need be asked for it."""
        tag = self._tag(etag)
        return tag is not None and self.request.headers.get("if-none-match") == tag

    def _tag(self, etag: str | Sequence[str | None] | None) -> str | None:
        """Also of who may see what, in which formats, from which templates."""
        parts = [etag] if isinstance(etag, str) or etag is None else list(etag)
        if not all(parts):
            return None
        whole = (*parts, self._frame.version, self.session.tenant, *sorted(self.session.scopes), str(self.formats),
                 str(self.request.url.query))
        return f'"{hashlib.sha256(repr(whole).encode()).hexdigest()[:24]}"'

    def _context(self, given: dict[str, Any]) -> dict[str, Any]:
        return {
            "session": self.session, "can": self.can, "csrf": self.session.csrf, "navigation": self._frame.navigation,
            "title": self._route.title if self._route else "", "here": self._route.path if self._route else "",
            "formats": self.formats, "query": self.query, **given,
        }


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_RISKY) else cell
