"""Give or withdraw consent; it binds from the next decision on."""

from __future__ import annotations

from models import canonical, limits
from models.profile.facts import ConsentChanged
from models.turn import refusals
from models.turn.commands import Command, Reply
from models.turn.context import TurnContext
from models.turn.work import Work


def handle(context: TurnContext, work: Work, command: Command) -> Reply:
    """The customer's version; unchanged when every purpose was so already."""
    held = work.profile.consent if work.profile else {}
    changes = {purpose: given for purpose, given in command.body.items() if held.get(purpose) is not given}
    if len(held.keys() | changes.keys()) > limits.CONSENT_PURPOSES_MAX:
        detail = f"a customer has at most {limits.CONSENT_PURPOSES_MAX} consent purposes"
        return refusals.as_reply(refusals.wrong_field(detail, [], command.request_id))
    if changes:
        work.be_born(command.customer_id)
        work.record(ConsentChanged(changes))
    return Reply(200, canonical.pack({"customer_id": command.customer_id, "state_version": work.version}))
