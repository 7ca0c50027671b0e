"""Refusals as RFC 9457 problem details: raised anywhere in the gateway, answered in one place."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ValidationError

from models import limits
from models.errors import BadInput, KairosError
from models.turn.commands import problem

RETRY_AFTER_S: Final = 1
RETRY_LATER: Final = ((b"retry-after", b"%d" % RETRY_AFTER_S),)
TITLES: Final = {
    400: "Malformed body", 401: "Key required", 403: "Scope missing", 404: "Not found", 405: "Method not allowed",
    409: "Conflict", 410: "Gone", 412: "State version not reached", 413: "Body too large", 422: "Invalid field",
    426: "Upgrade required",
    429: "Too many requests", 500: "Internal error", 503: "Unavailable", 504: "Deadline passed",
}
_LOC_CHARS_MAX: Final = 100


class Refused(KairosError):
    """Ends the handling of a request with a problem document."""

    def __init__(
        self, status: int, detail: str, errors: list[dict[str, Any]] | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(status, detail, errors, headers)
        self.status = status
        self.detail = detail
        self.errors = errors or []
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.status}: {self.detail}"

    def body(self, request_id: str) -> dict[str, Any]:
        return problem(
            self.status, TITLES.get(self.status, "Error"), self.detail, request_id=request_id, errors=self.errors
        )


def bad_field(loc: list[str | int], message: str) -> Refused:
    """422 for one field, with where and why."""
    return Refused(422, f"{'.'.join(map(str, loc))}: {message}", [{"loc": loc, "msg": message}])


def retry_later(status: int, detail: str, after_s: int = RETRY_AFTER_S) -> Refused:
    """429 or 503 with ``retry-after``."""
    return Refused(status, detail, headers=((b"retry-after", str(after_s).encode()),))


def from_validation(error: ValidationError) -> Refused:
    """422 with every field that is wrong, up to a bound. Nothing of the input is repeated but shortened field names."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    shown = [
        {
            "loc": [part if isinstance(part, int) else part[:_LOC_CHARS_MAX] for part in one["loc"]],
            "msg": "unknown field" if one["type"] == "extra_forbidden" else one["msg"],
        }
        for one in found[: limits.VALIDATION_ERRORS_MAX]
    ]
    return Refused(422, _summary(shown, len(found)), shown)


def from_bad_input(error: BadInput) -> Refused:
    """422. A line is told where it is known: of a text."""
    errors = [{name: told for name, told in one.items() if (name, told) != ("line", None)} for one in error.errors]
    return Refused(422, error.detail, errors)


def _summary(shown: list[dict[str, Any]], count: int) -> str:
    first = shown[0]
    where = ".".join(map(str, first["loc"])) or "body"
    more = f" (and {count - 1} more)" if count > 1 else ""
    return f"{where}: {first['msg']}{more}"
