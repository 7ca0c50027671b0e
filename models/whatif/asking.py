"""What is asked of both sides: requests as a caller writes them, and requests that were decided lately."""

from __future__ import annotations

from typing import Any, Final

from models import canonical
from models.times import parse_time_ms
from models.turn.commands import DECISION, Command

#: What makes a request this one, for its draws: whoever asks again is told the same.
_DRAWN_FOR: Final = ("customer_id", "channel", "placements", "context", "exclude")


def dry(command: Command, *, explain: bool = False) -> Command:
    """A decision command as both sides are asked it. It decides the same whether it is explained or not."""
    body = {**command.body, "dry_run": True, "explain": explain}
    return Command(DECISION, command.customer, command.customer_id, body, command.request_id, 0, command.tenant)


def of_logged(customer: bytes, tenant: str, request: dict[str, Any]) -> Command:
    """A request as ``Decided.request`` holds it, to be asked again. Its event has its id and time from then, by which
    a shard knows that it was applied."""
    event = request["event"]
    body = {
        **request, "min_state_version": None, "deadline_ms": 0,
        "event": None if not event else {
            "event_id": event["event_id"], "type": event["type"], "time_ms": parse_time_ms(event["time"]),
            "channel": event["channel"], "properties": event["properties"],
        },
    }
    return dry(Command(DECISION, customer, request["customer_id"], body, request["request_id"], 0, tenant))


def seed_of(command: Command) -> bytes:
    """16 bytes, the same whenever the same is asked."""
    return canonical.fingerprint([command.tenant, *(command.body[name] for name in _DRAWN_FOR)])
