"""Who is looking: what a browser's cookie leads to, and where that is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Session:
    """A viewer: their own API key, in whose name every call is made, and the secret that their forms must repeat."""

    key: str = field(repr=False)
    name: str
    tenant: str
    scopes: frozenset[str]
    csrf: str = field(repr=False)
    #: Wall clock, milliseconds since 1970.
    expires_ms: int

    def can(self, scope: str) -> bool:
        """Whether the key has the scope, as the API itself judges it."""
        return scope in self.scopes or "*" in self.scopes or (
            scope.startswith("decide:") and "decide:*" in self.scopes
        )


class Sessions(Protocol):
    """What the frame asks of the doors: both by the cookie's value, which is never stored or logged."""

    async def find(self, cookie: str) -> Session | None:
        """The session that lives under this cookie; None: unknown, expired, ended."""

    async def end(self, cookie: str) -> None:
        """Forget it; nothing happens when it is unknown."""
