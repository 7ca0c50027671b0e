"""A catalog's data as YAML that people edit: short things on one line, long ones one key a line.

What is written reads back as the same data (``models.catalog.source.load_text``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from models.catalog.scalars import plain_scalar

_LINE_CHARS: Final = 118
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.%/]*(?:[ -][A-Za-z0-9_.%/]+)*\Z")
#: Characters that JSON leaves as they are and YAML does not take so.
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def catalog_text(catalog: Mapping[str, Any]) -> str:
    """YAML 1.2, a blank line between sections that are lists or mappings."""
    lines: list[str] = []
    for key, value in catalog.items():
        flow = f"{_scalar(key)}: {_flow(value)}"
        if not isinstance(value, dict | list) or not value:
            lines.append(flow)
            continue
        lines += ["", f"{_scalar(key)}:"]
        lines += _block(value, 2)
    return "\n".join(lines) + "\n"


def _block(value: Any, indent: int) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _item(item, indent)
        return
    for key, inner in value.items():
        yield from _pair(key, inner, " " * indent, indent)


def _item(item: Any, indent: int) -> Iterator[str]:
    flow = _flow(item)
    if not isinstance(item, dict | list) or not item or _fits(flow, indent + 2):
        yield " " * indent + "- " + flow
    elif isinstance(item, list):
        yield " " * indent + "-"
        yield from _block(item, indent + 2)
    else:
        for place, (key, inner) in enumerate(item.items()):
            yield from _pair(key, inner, " " * indent + ("  " if place else "- "), indent + 2)


def _pair(key: str, value: Any, before: str, indent: int) -> Iterator[str]:
    flow = _flow(value)
    if not isinstance(value, dict | list) or not value or (_fits(flow, indent + len(key) + 2) and not _is_rows(value)):
        yield f"{before}{_scalar(key)}: {flow}"
        return
    yield f"{before}{_scalar(key)}:"
    yield from _block(value, indent + 2)


def _is_rows(value: Any) -> bool:
    """A list of mappings: one a line, however short."""
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _fits(flow: str, indent: int) -> bool:
    return indent + len(flow) <= _LINE_CHARS


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.match(value) and plain_scalar(value) == value:
        return value
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
