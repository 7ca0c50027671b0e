"""How far back counts go: the windows of ``GET /v1/funnel``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Window:
    id: str
    title: str
    #: Completes "decided ...".
    words: str


WINDOWS: Final = (
    Window("hour", "Hour", "in the last hour"), Window("day", "Day", "in the last 24 hours"),
    Window("week", "Week", "in the last 7 days"), Window("all", "All", "since the beginning"),
)
_BY_ID: Final = {window.id: window for window in WINDOWS}


def asked_window(asked: str | None, default: str) -> Window:
    """What is not known is the default."""
    return _BY_ID.get(asked or default, _BY_ID[default])
