"""Who asks, a browser for a whole page or a script of ours for a part of one; and the headers between us."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

_LIVE: Final = "x-kairos-live"
_HTMX: Final = "hx-request"
#: How old the data of an answer are, whether or not it carries them.
AGE_HEADER: Final = "x-data-age-ms"
#: On the empty answer to a live part that cannot be made just now: the status of the problem.
PROBLEM_HEADER: Final = "x-kairos-problem"


def is_live(request: Request) -> bool:
    """Asked every second, to keep a part of a page true."""
    return _LIVE in request.headers


def is_part(request: Request) -> bool:
    return is_live(request) or _HTMX in request.headers
