"""What a store of denials does. Every call may be made from any thread; one chain has one writer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from actors.access.denials.record import Entry, Head


class DenialStore(Protocol):
    """Raises ``OSError``, ``StoreAway`` or ``JournalFailed`` when it cannot; repeating an append is harmless."""

    def append(self, chain: str, entries: Sequence[Entry]) -> None:
        """Make the entries durable, then the head that goes with the last."""

    def chains(self) -> list[str]:
        """Every chain of which there are entries or a head, oldest first."""

    def entries(self, chain: str) -> Iterable[Entry]:
        """As they are stored, in the order in which they are stored. Raises ``BadInput`` for what is no entry."""

    def head(self, chain: str) -> Head | None:
        """As it was written last, None when it is missing. Raises ``BadInput`` for what is no head."""

    def close(self) -> None:
        """Let go of what is held."""
