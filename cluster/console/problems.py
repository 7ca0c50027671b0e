"""Refusals as pages: what happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from models.errors import KairosError


@dataclass(frozen=True, slots=True)
class Problem:
    """What an error page tells. ``errors``: ``{"loc": [...], "msg": ..., "line": ...}`` as the API gave them."""

    status: int
    title: str
    detail: str
    remedy: str
    errors: Sequence[dict[str, Any]] = ()
    request_id: str = ""
    #: The page asks again by itself.
    again: bool = False


class PageProblem(KairosError):
    """Ends the handling of a page; the frame shows ``problem``."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem: Final = problem

    def __str__(self) -> str:
        return f"{self.problem.status}: {self.problem.title}"


class Unreached(PageProblem):
    """Nobody answered a call of the API. What was to be changed may have been changed."""

    def __init__(self, reason: str, *, changing: bool = False) -> None:
        super().__init__(Problem(
            503, "The server does not answer",
            "It may be restarting, or moving to another machine."
            + (" What you asked for may have been done: look before you ask again." if changing else ""),
            "This page tries again by itself. If it stays like this, look at `kairos status` on the server.",
            again=not changing,
        ))
        self.reason: Final = reason


class SessionOver(PageProblem):
    """The API no longer takes the viewer's key, or there is no session."""

    def __init__(self, why: str) -> None:
        super().__init__(Problem(
            401, "Please sign in", why,
            "Ask for a new link with `kairos console` (or `POST /console/links` with your key), and open it here.",
        ))


#: For each status: a title, and what to do.
_SAID: Final = {
    400: ("This cannot be read", "Go back, mend what was sent, and send it again."),
    403: (
        "Your key may not see this",
        "Ask for a key with that scope (`kairos key create --scope …`), and sign in with it (`kairos console`).",
    ),
    404: ("Not found", "Look at the id. What was erased is gone, and reads as if it had never been."),
    405: ("This page cannot be asked like that", "Follow the links of the pages, or begin at Now."),
    409: ("Something else came first", "Look at what is live now, then decide again."),
    410: ("Gone", "It is older than what is kept, or was erased. Nothing can bring it back."),
    412: ("Not reached yet", "The customer has not come to that version. Ask for an earlier one."),
    413: ("Too large", "A catalog may have 1 MiB. Send less."),
    422: ("Something in it is wrong", "Mend what is listed, and send it again."),
    429: ("Too many requests", "Wait a few seconds. Another program may be using the same key."),
    500: (
        "Something broke",
        "It may have been done: look before you ask again. The server's log has it under the request id.",
    ),
    503: ("Not available just now", "This page tries again by itself."),
    504: ("It took too long", "This page tries again by itself."),
}
_AGAIN: Final = frozenset({429, 502, 503, 504})


def of_status(status: int, detail: str, errors: Sequence[dict[str, Any]] = (), request_id: str = "") -> Problem:
    """The page for a status, with the words of who refused."""
    title, remedy = _SAID.get(status, _SAID[503] if status in _AGAIN else _SAID[500 if status >= 500 else 400])
    return Problem(status, title, detail, remedy, errors, request_id, again=status in _AGAIN)


def lacks(scope: str) -> Problem:
    """403 that names the scope."""
    return of_status(403, f"It needs the scope {scope}, which your key does not have.")
