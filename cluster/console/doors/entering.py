"""``GET /console/in/TOKEN``: opens a link once, and begins a session in this browser.

The answer is a page that leads on rather than a redirect: a cookie for our own pages alone is not sent along a chain
of redirects that began elsewhere. The token is always drawn here, so no cookie that a browser brought can become the
session's; what it brought is ended.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from cluster.console.doors.cookies import give_cookie
from cluster.console.doors.sealed import SealedSessions
from cluster.console.formats import Formats
from cluster.console.frame import Frame
from cluster.console.problems import PageProblem, Problem, of_status
from models import limits

PREFIX: Final = "/in/"
_MINUTES: Final = limits.CONSOLE_LINK_MS // limits.MINUTE_MS


async def enter(request: Request, token: str, frame: Frame, sessions: SealedSessions) -> Response:
    if request.method != "GET":
        raise PageProblem(of_status(405, "A link is opened with GET, by a browser."))
    if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
        raise PageProblem(Problem(
            503, "Not ahead of time", "The link opens once, and was asked for before somebody opened it.", "Open it.",
        ))
    was = await frame.session(request)
    begun = await sessions.begin(token)
    if begun is None:
        raise PageProblem(_used_up(is_signed_in=was is not None))
    await frame.end_session(request)
    cookie, session = begun
    frame.figures.begun += 1
    response = frame.html("entering.html", {
        "session": None, "navigation": (), "title": "You are signed in", "here": "", "csrf": "", "query": {},
        "viewer": session,
    }, Formats())
    give_cookie(response, request, cookie, sessions.seconds_left(session))
    return response


def _used_up(*, is_signed_in: bool) -> Problem:
    anew = "Ask for a new one with `kairos console` (or `POST /console/links` with your key), and open it here."
    return Problem(
        410, "This link opens nothing any more",
        f"A link opens once, within {_MINUTES} minutes. This one was opened before, is older, or never was.",
        f"This browser is signed in: go on to the console. For another key: {anew}" if is_signed_in else anew,
    )
