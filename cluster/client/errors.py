"""What a call of the client may raise. All of it survives pickling; nothing of it holds the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import KairosError


class ClientError(KairosError):
    """Base of everything that a call raises."""


class Unreachable(ClientError):
    """No answer in the caller's time. It may have been done: ask again with the same ids, or look at the timeline."""

    def __init__(self, call: str, reason: str, attempts: int = 1) -> None:
        super().__init__(call, reason, attempts)
        self.call: Final = call
        self.reason: Final = reason
        #: How often it was tried.
        self.attempts: Final = attempts

    def __str__(self) -> str:
        return f"{self.call} -> no answer: {self.reason}{_tried(self.attempts)}; it may have been done, " \
               "so repeat it with the same ids"


class Closed(ClientError):
    """The client was closed and is used again, or while a call of it was under way. Make another client."""


class Refused(ClientError):
    """The server answered with a problem (RFC 9457). The subclasses say what to do about it."""

    remedy = "mend the call"

    def __init__(self, call: str, status: int, problem: Mapping[str, Any], attempts: int = 1) -> None:
        super().__init__(call, status, dict(problem), attempts)
        self.call: Final = call
        self.status: Final = status
        self.problem: Final = dict(problem)
        self.attempts: Final = attempts

    @property
    def request_id(self) -> str | None:
        """The id under which the server's own log knows this request."""
        value = self.problem.get("request_id")
        return value if isinstance(value, str) else None

    @property
    def detail(self) -> str:
        return str(self.problem.get("detail") or self.problem.get("title") or "")

    @property
    def errors(self) -> list[dict[str, Any]]:
        """``{"loc": [...], "msg": "..."}`` for each field that is wrong."""
        return list(self.problem.get("errors") or [])

    def __str__(self) -> str:
        details = "; ".join(f"{'.'.join(map(str, one.get('loc', [])))}: {one.get('msg')}" for one in self.errors)
        said = f"{self.detail} ({details})" if details else self.detail
        asked = f" [request {self.request_id}]" if self.request_id else ""
        return f"{self.call} -> {self.status}: {said}{_tried(self.attempts)}; {self.remedy}{asked}"


class Invalid(Refused):
    """400, 413, 422: what was sent is wrong; ``errors`` says where."""

    remedy = "mend what was sent; repeating it changes nothing"


class Unauthorised(Refused):
    """401, 403: no such key, or one without the scope that the problem names."""

    remedy = "use a live key that has the scope (`kairos key create --scope ...`)"


class NotFound(Refused):
    """404, 410: no such thing, or one that is older than the journal."""

    remedy = "look at the id"


class Conflict(Refused):
    """409: the id was used with another body, or a catalog was published over an unseen version."""

    remedy = "use a new id for a new request, and look at the live catalog before publishing over it"


class Unavailable(Refused):
    """412, 429, 500, 502, 503, 504: it was repeated until the caller's time was up."""

    remedy = "it may have been done, so repeat it later with the same ids"


_KINDS: Final[Mapping[int, type[Refused]]] = {
    400: Invalid, 413: Invalid, 422: Invalid, 401: Unauthorised, 403: Unauthorised, 404: NotFound, 410: NotFound,
    409: Conflict, 412: Unavailable, 429: Unavailable, 500: Unavailable, 502: Unavailable, 503: Unavailable,
    504: Unavailable,
}


def refusal(call: str, status: int, problem: Mapping[str, Any], attempts: int = 1) -> Refused:
    """The exception for a status of the contract's table."""
    return _KINDS.get(status, Refused)(call, status, problem, attempts)


def _tried(attempts: int) -> str:
    return f" (tried {attempts} times)" if attempts > 1 else ""
