"""Values of any shape as one line of text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def text_of(value: Any) -> str:
    """What a person reads: text as it is, lists joined, what is nested as JSON, nothing as a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else repr(value)
    if isinstance(value, list) and all(not isinstance(each, dict | list) for each in value):
        return ", ".join(text_of(each) for each in value) or "–"
    return json.dumps(value, ensure_ascii=False)


def brief(value: Any, chars: int) -> str:
    """``text_of`` that ends in an ellipsis where it is longer than ``chars``."""
    text = text_of(value)
    return text if len(text) <= chars else text[: chars - 1] + "…"


def pairs_of(values: Mapping[str, Any], chars: int) -> str:
    """``total 41.17 · departments DAIRY, PRODUCE``, shortened."""
    return brief(" · ".join(f"{name} {text_of(value)}" for name, value in values.items()), chars)


def pretty(value: Any) -> str:
    """Indented JSON, for the whole of a thing."""
    return json.dumps(value, ensure_ascii=False, indent=2)
