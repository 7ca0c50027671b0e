"""Contact policies have exactly one of four forms; triggers one of two."""

from __future__ import annotations

from typing import Final

from models import limits
from models.catalog.checks.names import Names
from models.catalog.faults import Faults, Path
from models.catalog.schema.policies import After, ContactPolicy, Scope, Trigger
from models.catalog.shape import Shaped

_SCOPE: Final = ("channel", "issue", "group", "action", "treatment")
_SCOPE_KEYS: Final = (*_SCOPE, "direction")
#: Form -> (keys it needs, keys it may have besides); ``after`` alone makes the rest form.
_FORMS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "limit": (("limit", "window"), ("scope", "per")),
    "after": (("after", "rest"), ("scope", "per")),
    "exclusive": (("exclusive", "window"), ()),
    "never": (("never", "after", "window"), ()),
}
_KEYS: Final = ("scope", "limit", "window", "per", "after", "rest", "exclusive", "never")
_FORMS_TOLD: Final = "limit + window, after + rest, exclusive + window, or never + after + window"


def check_policies(shaped: Shaped, names: Names, faults: Faults) -> None:
    fallbacks = {action.id for action in shaped.catalog.actions if action.fallback}
    for path, policy in shaped.items("contact_policies"):
        if shaped.was_cut_under(path):
            continue
        form = _form(policy, path, faults)
        if policy.scope:
            names.expect_keys(_SCOPE, policy.scope, (*path, "scope"), faults)
        if policy.after and form:
            names.expect_keys(_SCOPE, policy.after, (*path, "after"), faults)
            _after(form, policy, policy.after, (*path, "after"), faults)
        named = [((*path, "exclusive", index), name) for index, name in enumerate(policy.exclusive or ())]
        named += [((*path, "never"), policy.never)] if policy.never else []
        for place, name in named:
            if names.expect("action", name, place, faults) and name in fallbacks:
                faults.add(place, f"{name!r} is a fallback, which no policy counts; name another action")
        if policy.exclusive and len(set(policy.exclusive)) < len(policy.exclusive):
            faults.add((*path, "exclusive"), "an action is named twice; name each once")


def _form(policy: ContactPolicy, path: Path, faults: Faults) -> str:
    """The form that the policy has; "" when it has none or several, which is a fault."""
    given = [key for key in _KEYS if getattr(policy, key) is not None]
    forms: list[str] = [form for form in ("limit", "exclusive", "never") if form in given]
    if not forms and "after" in given:
        forms = ["after"]
    if len(forms) != 1:
        faults.add(path, f"contact policy {policy.id!r} needs exactly one form: {_FORMS_TOLD}")
        return ""
    needed, allowed = _FORMS[forms[0]]
    for key in needed:
        if key not in given:
            faults.add(path, f"contact policy {policy.id!r} has no {key}; {' + '.join(needed)} belong together")
    for key in given:
        if key not in needed and key not in allowed:
            faults.add((*path, key), f"{key} does not go with {forms[0]}; the forms are {_FORMS_TOLD}")
    return forms[0]


def _after(form: str, policy: ContactPolicy, after: After, path: Path, faults: Faults) -> None:
    if form == "never":
        _after_contact(after, path, faults)
        return
    for key in _SCOPE_KEYS:
        if getattr(after, key) is not None:
            faults.add((*path, key), f"with rest, {key} belongs under scope; after names an outcome or an event")
    if (after.outcome is None) == (after.event is None):
        faults.add(path, "after names exactly one of outcome and event")
    if after.event is None:
        if after.when is not None:
            faults.add((*path, "when"), "when reads the event, so it goes with after.event only; remove it")
        return
    if policy.per is not None:
        faults.add((*path[:-1], "per"), "an event belongs to no action, group or channel; remove per")
    if (after.count or 1) > limits.EVENT_MARKS_MAX:
        faults.add((*path, "count"), f"at most {limits.EVENT_MARKS_MAX} events of a policy are remembered; lower it")


def _after_contact(after: After, path: Path, faults: Faults) -> None:
    for key in ("outcome", "event", "when", "count", "window"):
        if getattr(after, key) is not None:
            faults.add((*path, key), f"with never, after names a contact (action, group, channel, ...), not {key}")
    if not _says_something(after):
        faults.add(path, "after names no contact; add one of " + ", ".join(_SCOPE_KEYS))


def _says_something(scope: Scope) -> bool:
    return any(getattr(scope, key) is not None for key in _SCOPE_KEYS)


def check_triggers(shaped: Shaped, names: Names, faults: Faults) -> None:
    outbound = {channel.id for channel in shaped.catalog.channels if channel.direction == "outbound"}
    known = {channel.id for channel in shaped.catalog.channels}
    for path, trigger in shaped.items("triggers"):
        if shaped.was_cut_under(path):
            continue
        _trigger_form(trigger, path, faults)
        if trigger.if_.contact:
            names.expect_keys(_SCOPE, trigger.if_.contact, (*path, "if", "contact"), faults)
        for key, part in (("plan", trigger.plan), ("supersede", trigger.supersede)):
            place = (*path, key, "channel")
            if part and names.expect("channel", part.channel, place, faults) and part.channel in known - outbound:
                faults.add(place, f"channel {part.channel!r} is inbound; only outbound contacts are planned")


def _trigger_form(trigger: Trigger, path: Path, faults: Faults) -> None:
    condition = trigger.if_
    if (condition.event is None) == (condition.contact is None):
        faults.add((*path, "if"), "a trigger waits for exactly one of event and contact")
        return
    needed, other = ("plan", "supersede") if condition.event is not None else ("supersede", "plan")
    on = "event" if condition.event is not None else "contact"
    if getattr(trigger, needed) is None:
        faults.add(path, f"trigger {trigger.id!r} on {on} needs {needed}; add it")
    if getattr(trigger, other) is not None:
        faults.add((*path, other), f"{other} does not go with {on}; use {needed}")
    if condition.contact is not None and not _says_something(condition.contact):
        faults.add((*path, "if", "contact"), "names no contact; add a channel, direction, group or action")
