"""Apply an event: from the API, from a history import, or nested in a decision."""

from __future__ import annotations

from typing import Any, Final

from models import canonical, limits
from models.arbitration.contact_policy import event_marks
from models.profile import predicates
from models.profile.facts import EventApplied
from models.times import format_time
from models.turn import refusals
from models.turn.commands import EVENT, HISTORY, Command, Reply
from models.turn.context import TurnContext
from models.turn.keys import FINGERPRINT_BYTES, Hint, body_fingerprint, key16
from models.turn.refusals import Problem
from models.turn.work import Work

_TIME_BYTES: Final = 8
_WITHOUT_TIME: Final = FINGERPRINT_BYTES - _TIME_BYTES


def handle(context: TurnContext, work: Work, command: Command) -> Reply:
    """An event command: the item's result object."""
    body = command.body
    refusal, duplicate = apply_event(context, work, command.kind, body, command.request_id)
    if refusal is not None:
        result = {"event_id": body["event_id"], "status": "rejected", "error": refusal}
    elif duplicate is not None:
        result = {"event_id": body["event_id"], "status": "duplicate", "state_version": duplicate.state_version}
    else:
        result = {"event_id": body["event_id"], "status": "applied", "state_version": work.version}
    return Reply(200, canonical.pack(result))


def apply_event(
    context: TurnContext, work: Work, kind: str, body: dict[str, Any], request_id: str
) -> tuple[Problem | None, Hint | None]:
    """Record an event unless it was applied before: (refusal, what is remembered of the first time)."""
    event_id = body["event_id"]
    key = key16(kind, event_id)
    time_ms = context.now_ms if body["time_ms"] is None else body["time_ms"]
    fingerprint = _fingerprint(body, time_ms)
    remembered = context.recall(work, key)
    if remembered is not None:
        compared = _WITHOUT_TIME if body["time_ms"] is None else FINGERPRINT_BYTES
        if remembered.fingerprint[:compared] != fingerprint[:compared]:
            return refusals.conflict("the event id", event_id, request_id), None
        return None, Hint.unpack(remembered.hint)
    if time_ms > context.now_ms + limits.EVENT_AHEAD_MS_MAX:
        return refusals.in_future(request_id), None
    if kind == EVENT and time_ms < context.now_ms - limits.EVENT_LATE_MS_MAX:
        return refusals.too_late(request_id), None
    work.be_born(body["customer_id"])
    work.record(_fact(context, work, kind, body, time_ms))
    work.remember(key, fingerprint)
    return None, None


def _fingerprint(body: dict[str, Any], time_ms: int) -> bytes:
    """The body apart from its time, then the time: a nested event without one is compared without one, so that it is
    the same event when its decision is asked again later, or when it is reported on its own as well."""
    told = [
        body["event_id"], body["customer_id"], body["type"], body["channel"], body["properties"], body.get("source"),
    ]
    return body_fingerprint(told)[:_WITHOUT_TIME] + time_ms.to_bytes(_TIME_BYTES, "big", signed=True)


def event_object(body: dict[str, Any], customer_id: str, time_ms: int) -> dict[str, Any]:
    """An event as rules see it: the contract's object."""
    return {
        "event_id": body["event_id"], "customer_id": customer_id, "type": body["type"],
        "time": format_time(time_ms), "channel": body["channel"], "properties": body["properties"],
    }


def _fact(context: TurnContext, work: Work, kind: str, body: dict[str, Any], time_ms: int) -> EventApplied:
    assert work.profile is not None
    marks: tuple[str, ...] = ()
    if body["type"] in context.plan.rests_by_event:
        standing = predicates.standing(work.profile, context.plan, context.now_ms)
        event = event_object(body, work.profile.customer_id, time_ms)
        marks = event_marks(context.plan, standing.context, event)
    source = body.get("source", "") if kind == HISTORY else ""
    return EventApplied(
        body["event_id"], body["type"], time_ms, body["channel"], body["properties"], source, marks
    )
