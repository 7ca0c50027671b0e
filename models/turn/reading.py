"""Read a customer as it is now: timers that are due are fired on a scratch copy, nothing changes."""

from __future__ import annotations

from models import canonical
from models.profile.views import profile_view
from models.turn import refusals
from models.turn.commands import Command, Reply
from models.turn.context import TurnContext
from models.turn.work import Work


def handle(context: TurnContext, work: Work, command: Command) -> Reply:
    """The body of ``GET /v1/customers/{id}``; 404 for a customer that was never seen, or erased."""
    scratch = work.fork()
    scratch.advance()
    if scratch.profile is None:
        detail = "this customer was never seen, or was erased"
        return refusals.as_reply(refusals.not_found("no such customer", detail, command.request_id))
    return Reply(200, canonical.pack(profile_view(scratch.profile, context.plan, context.now_ms)))
