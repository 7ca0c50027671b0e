"""A contact policy of the catalog in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_KEYS: Final = ("channel", "direction", "issue", "group", "action", "treatment")


def policy_words(catalog: Mapping[str, Any]) -> dict[str, str]:
    """Policy id -> what it says."""
    return {policy["id"]: _sentence(policy) for policy in catalog.get("contact_policies") or ()}


def _sentence(policy: Mapping[str, Any]) -> str:
    if policy.get("limit") is not None:
        said = f"at most {policy['limit']} in {policy['window']}{_per(policy)}"
    elif policy.get("exclusive"):
        said = f"only one of {', '.join(policy['exclusive'])} within {policy['window']}"
    elif policy.get("never"):
        after = policy.get("after") or {}
        said = f"never {policy['never']} within {policy['window']} after {_scope(after) or 'any contact'}"
    else:
        said = f"rests {policy.get('rest')} after {_after(policy.get('after') or {})}{_per(policy)}"
    scope = _scope(policy.get("scope") or {})
    return f"{said}; {scope}" if scope else said


def _per(policy: Mapping[str, Any]) -> str:
    return f" per {policy['per']}" if policy.get("per") else ""


def _scope(scope: Mapping[str, Any]) -> str:
    named = [f"{key} {scope[key]}" for key in _KEYS if scope.get(key)]
    return ", ".join(named)


def _after(after: Mapping[str, Any]) -> str:
    outcome = after.get("outcome")
    what = f"event {after['event']}" if after.get("event") else _OUTCOMES.get(outcome, outcome)
    count, window = after.get("count") or 1, after.get("window")
    times = f"{count} x {what}" if count > 1 else f"{what}"
    within = f" within {window}" if window else ""
    where = _scope(after)
    return f"{times}{within}{f' ({where})' if where else ''}"


#: What a person calls an outcome that has no word of its own.
_OUTCOMES: Final[Mapping[Any, str]] = {"none": "no reaction", None: "a contact"}
