"""What is wrong with a catalog: every fault names where, which line, what, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from models import limits
from models.errors import BadInput

#: Keys and indexes from the root of the file, for example ``("actions", 0, "value")``.
Path = tuple[str | int, ...]

_KNOWN_SHOWN = 12


class BadCatalog(BadInput):
    """A catalog that cannot be published. Each of ``errors`` has ``loc``, ``msg`` and ``line`` (None if unknown)."""


class Faults:
    """Collects faults; the same message at the same place counts once."""

    def __init__(self) -> None:
        self._found: dict[tuple[Path, str], None] = {}

    def add(self, path: Path, message: str) -> None:
        self._found[path, message] = None

    def __bool__(self) -> bool:
        return bool(self._found)

    def items(self) -> list[tuple[Path, str]]:
        return list(self._found)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """``unknown placement 'hero'; did you mean 'home_hero'? known: home_hero, home_strip``."""
    return f"unknown {kind} {shorten(name)!r}; {suggestion(name, known)}"


def suggestion(name: str, known: Iterable[str]) -> str:
    """``did you mean 'home_hero'? known: home_hero, home_strip``."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6) if len(names) <= 1_000 else []
    hint = f"did you mean {close[0]!r}? " if close else ""
    shown = ", ".join(names[:_KNOWN_SHOWN]) or "none is declared"
    more = f" and {len(names) - _KNOWN_SHOWN} more" if len(names) > _KNOWN_SHOWN else ""
    return f"{hint}known: {shown}{more}"


def shorten(text: str, chars: int = 80) -> str:
    return text if len(text) <= chars else text[: chars - 1] + "…"


def bad_catalog(found: list[tuple[Path, str, int | None]]) -> BadCatalog:
    """One exception for all faults in the order of the file (of absurdly many, the first)."""
    ordered = sorted(found, key=lambda fault: (fault[2] is None, fault[2] or 0))
    errors: list[dict[str, Any]] = [
        {"loc": list(path), "msg": message, "line": line}
        for path, message, line in ordered[: limits.CATALOG_ERRORS_MAX]
    ]
    count = f"{len(found)} error" if len(found) == 1 else f"{len(found)} errors"
    shown = "" if len(errors) == len(found) else f", the first {len(errors)} of which follow"
    return BadCatalog(f"the catalog has {count}{shown}", errors)
