"""Change attributes: declared ones only, of their declared types; null removes."""

from __future__ import annotations

from typing import Any, Final

from models import canonical, limits
from models.catalog.plan import Plan
from models.profile.facts import AttributesChanged
from models.turn import refusals
from models.turn.commands import Command, Reply
from models.turn.context import TurnContext
from models.turn.work import Work

_NOUNS: Final = {"bool": "true or false", "number": "a number", "string": "a string"}

Value = bool | float | str | None


def handle(context: TurnContext, work: Work, command: Command) -> Reply:
    """The customer's version; unchanged when every value was so already."""
    held = work.profile.attributes if work.profile else {}
    errors = [error for name, value in command.body.items() if (error := _error(context.plan, held, name, value))]
    if errors:
        return refusals.as_reply(refusals.wrong_field("an attribute is wrong", errors, command.request_id))
    changes = _changes(held, command.body)
    if len(held) + sum(1 for name in changes if name not in held) > limits.ATTRIBUTES_PER_CUSTOMER_MAX:
        detail = f"a customer has at most {limits.ATTRIBUTES_PER_CUSTOMER_MAX} attributes; remove some with null"
        return refusals.as_reply(refusals.wrong_field(detail, [], command.request_id))
    if changes:
        work.be_born(command.customer_id)
        work.record(AttributesChanged(changes))
    return Reply(200, canonical.pack({"customer_id": command.customer_id, "state_version": work.version}))


def _changes(held: dict[str, bool | float | str], asked: dict[str, Any]) -> dict[str, Value]:
    changes: dict[str, Value] = {}
    for name, value in asked.items():
        if isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        before = held.get(name)
        if before != value or type(before) is not type(value):
            changes[name] = value
    return changes


def _error(plan: Plan, held: dict[str, bool | float | str], name: str, value: Any) -> dict[str, Any] | None:
    declared = plan.attributes.get(name)
    if declared is None:
        if value is None and name in held:  # of an earlier catalog: it may still be removed
            return None
        known = ", ".join(plan.attributes) or "none"
        return {"loc": [name], "msg": f"unknown attribute {name!r}; known: {known}"}
    if value is None or _is_of(declared.type, value):
        return None
    return {"loc": [name], "msg": f"must be {_NOUNS[declared.type]}, or null to remove it"}


def _is_of(kind: str, value: Any) -> bool:
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) and len(value) <= limits.ATTRIBUTE_CHARS_MAX
