"""What a store of keys does. Every call may be made from any thread, and by several processes at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from actors.access.record import KeyRecord
from models.errors import KairosError

T = TypeVar("T")


class AccessStore(Protocol):
    """A damaged store raises ``BadInput`` that says where and what to do, and is never written over; one that cannot
    be reached raises ``StoreAway``, ``OSError`` or ``JournalFailed``."""

    @property
    def is_remote(self) -> bool:
        """A look crosses a network: never on an event loop."""

    def marker(self) -> object:
        """Cheap; equal to an earlier one as long as nothing was changed since."""

    def records(self) -> list[KeyRecord]:
        """In the order of creation, revoked and expired ones included."""

    def change(self, edit: Callable[[Sequence[KeyRecord]], tuple[list[KeyRecord], T]]) -> T:
        """Replace the records by what ``edit`` makes of them, as a whole and durably; what it returns beside them.
        Nobody changes anything meanwhile. What ``edit`` raises is raised, and nothing is changed."""

    def close(self) -> None:
        """Let go of what is held; later calls may take it again."""


class KeysWanted(KairosError):
    """A token names a key that the issuer may have begun to use: ``Issuer.learn``, then ask again."""


class IssuerAway(KairosError):
    """The issuer's keys are not known, or have not been confirmed for too long: nobody can be told who calls."""


class Issuer(Protocol):
    """Whose tokens count beside the keys of the installation. Belongs to one event loop."""

    def reads(self, token: bytes) -> bool:
        """Whether this looks like a token of an issuer at all."""

    def identify(self, token: bytes, wall_s: float, now_s: float) -> KeyRecord | str:
        """Who shows the token, or why it does not count. Raises ``KeysWanted`` and ``IssuerAway``."""

    def keys_age_s(self, now_s: float) -> float | None:
        """Since the issuer's keys were fetched; None before the first time."""

    async def learn(self, now_s: float) -> None:
        """Fetch the issuer's keys, off the event loop; returns when it is done or has failed."""
