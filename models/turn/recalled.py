"""A past decision as it was asked and answered, from its fact alone."""

from __future__ import annotations

from typing import Any

from models import canonical
from models.profile.facts import Decided
from models.times import format_time, parse_time_ms
from models.turn.keys import body_fingerprint


def recalled(fact: Decided, now_ms: int) -> dict[str, Any]:
    """The body of ``GET /v1/decisions/{id}``. Its ``request`` asked again is the same request: it has the same
    fingerprint, so that a caller gets the logged answer, and an explanation sees what the decision saw."""
    request = fact.request
    return {
        "decision_id": fact.decision_id, "customer_id": request["customer_id"], "channel": request["channel"],
        "time": format_time(now_ms), "state_version": fact.state_version + 1, "request": _asked(fact),
        "decision": canonical.unpack(fact.reply),
    }


def _asked(fact: Decided) -> dict[str, Any]:
    """The logged request holds its event as rules see it: with the time of the decision where it had none."""
    request = dict(fact.request)
    event = request["event"]
    if event is None:
        return request
    nested = {name: event[name] for name in ("event_id", "type", "channel", "properties")}
    untimed = body_fingerprint({**request, "event": {**nested, "time_ms": None}})
    timed = body_fingerprint({**request, "event": {**nested, "time_ms": parse_time_ms(event["time"])}})
    if fact.fingerprint == timed or fact.fingerprint != untimed:
        nested["time"] = event["time"]
    return {**request, "event": nested}
