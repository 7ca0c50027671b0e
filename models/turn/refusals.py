"""Every way in which a turn says no, as problem objects with the remedy in them."""

from __future__ import annotations

from typing import Any

from models import canonical, limits
from models.turn.commands import Reply, problem

Problem = dict[str, Any]


def as_reply(body: Problem) -> Reply:
    """A problem as the answer of a call that is not an item of a batch."""
    return Reply(int(body["status"]), canonical.pack(body))


def no_policy(request_id: str) -> Problem:
    return problem(
        503, "no policy yet", "this shard has not adopted a catalog; repeat the call in a moment",
        request_id=request_id,
    )


def conflict(what: str, text: str, request_id: str) -> Problem:
    return problem(
        409, "idempotency key used with another body",
        f"{what} {text!r} was used before with another body; send the same body, or a new id", request_id=request_id,
    )


def too_late(request_id: str) -> Problem:
    days = limits.EVENT_LATE_MS_MAX // limits.DAY_MS
    return problem(
        422, "too late", f"the time lies more than {days} days back; older events enter by `kairos import`",
        type_="too_late", request_id=request_id,
    )


def in_future(request_id: str) -> Problem:
    minutes = limits.EVENT_AHEAD_MS_MAX // limits.MINUTE_MS
    return problem(
        422, "in the future", f"the time lies more than {minutes} minutes ahead; check the sender's clock",
        type_="in_future", request_id=request_id,
    )


def not_found(title: str, detail: str, request_id: str) -> Problem:
    return problem(404, title, detail, request_id=request_id)


def wrong_field(detail: str, errors: list[dict[str, Any]], request_id: str) -> Problem:
    return problem(422, "a field is wrong", detail, request_id=request_id, errors=errors)


def deadline_passed(request_id: str) -> Problem:
    return problem(504, "deadline passed", "nothing was done; repeat with the same id", request_id=request_id)
