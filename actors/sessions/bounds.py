"""How many rows of a kind one key may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from actors.sessions.interface import LINK, SESSION
from models import limits

ROWS_PER_KEY: Final[Mapping[str, int]] = {
    LINK: limits.CONSOLE_LINKS_PER_KEY_MAX, SESSION: limits.CONSOLE_SESSIONS_PER_KEY_MAX,
}
