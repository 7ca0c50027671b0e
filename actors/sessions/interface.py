"""What a store of links and sessions does. Every call may be made from any thread, of any process.

It sees neither tokens nor keys: a row is found by the SHA-256 of its token, and holds what only the token's holder and
the installation together can open (see ``vault``).
"""

from __future__ import annotations

from typing import Final, Protocol

#: What is kept: a link that may be opened once, and what it opens.
LINK: Final = "link"
SESSION: Final = "session"


class Sessions(Protocol):
    """Times are milliseconds since the epoch, by the wall clock. Raises ``StoreAway``, ``DiskFull`` or
    ``JournalFailed`` when the store cannot."""

    def put(self, digest: bytes, kind: str, holder: bytes, sealed: bytes, expires_ms: int) -> None:
        """Keep a row. ``holder``: a hash that rows of one key share; beyond ``limits.CONSOLE_LINKS_PER_KEY_MAX`` and
        ``limits.CONSOLE_SESSIONS_PER_KEY_MAX`` those of its rows of that kind that end first go."""

    def take(self, digest: bytes, kind: str, now_ms: int) -> bytes | None:
        """What was sealed, once: of any number who ask at the same time one gets it. None for what is not there, has
        expired or is of another kind."""

    def get(self, digest: bytes, kind: str, now_ms: int) -> bytes | None:
        """What was sealed; None as ``take`` has it."""

    def drop(self, digest: bytes) -> None:
        """Nothing is kept under it any more. May be repeated."""

    def sweep(self, now_ms: int) -> int:
        """Remove what has expired; how many rows."""

    def close(self) -> None:
        """Let go of what is held."""
