"""Shape errors in words that say what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from models.catalog.faults import Path, shorten

_KINDS: Final = {
    "string_type": "text", "int_type": "a whole number", "int_from_float": "a whole number", "float_type": "a number",
    "bool_type": "true or false", "list_type": "a list", "dict_type": "a mapping", "model_type": "a mapping",
    "model_attributes_type": "a mapping", "finite_number": "a finite number",
}
_DURATIONS: Final = frozenset({"window", "half_life", "hold_ttl", "within", "rest", "delay", "expires", "observe"})
_BOUNDS: Final = {
    "greater_than_equal": ("at least", "ge"), "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"), "less_than": ("less than", "lt"),
}
#: Keys whose absence has a better sentence than "is missing".
_MISSING: Final = {
    ("budgets", "cap"): "has no cap; add cap: and the whole number of units that may be spent (in each period)",
    ("actions", "treatments"): "has no treatments; add at least one, so that it can be shown somewhere",
}


def phrase(
    kind: str, path: Path, value: Any, context: Mapping[str, Any], message: str, known_keys: list[str],
) -> str:
    """One sentence for one pydantic error; ``known_keys`` are those of the mapping around it."""
    key = path[-1] if path else ""
    if kind == "missing":
        return _MISSING.get((str(path[0]), str(key)), f"{key!r} is missing; add it")
    if kind == "extra_forbidden":
        close = difflib.get_close_matches(str(key), known_keys, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"unknown key {shorten(str(key))!r}; {hint}known: {', '.join(known_keys)}"
    if kind == "string_type" and key in _DURATIONS:
        return f"must be a duration like 90s, 30m, 24h or 7d, not {_shown(value)}"
    if kind in _KINDS:
        quote = "; quote it" if kind == "string_type" and not isinstance(value, dict | list | None) else ""
        return f"must be {_KINDS[kind]}, not {_shown(value)}{quote}"
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"must be {words} {_number(context[bound])}, not {_shown(value)}"
    return _other(kind, value, context, message)


def _other(kind: str, value: Any, context: Mapping[str, Any], message: str) -> str:
    if kind == "literal_error":
        return f"{_shown(value)} is not taken; write {context['expected']}"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind == "string_pattern_mismatch":
        return f"{_shown(value)} is no currency; write its three capital letters, like USD"
    if kind in ("too_long", "string_too_long"):
        unit = "items" if kind == "too_long" else "characters"
        return f"has more than {context['max_length']} {unit}; shorten it"
    if kind in ("too_short", "string_too_short"):
        unit = "items" if kind == "too_short" else "characters"
        return f"has fewer than {context['min_length']} {unit}; add what is missing, or leave the key out"
    return message


def _number(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else str(bound)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return shorten(repr(value), 60)
