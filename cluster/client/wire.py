"""One request and one answer, as a transport sees them; and what a transport says when there is no answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cluster.client import codec


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    #: From ``/v1/`` on, percent-encoded, with its query.
    path: str
    body: bytes = b""
    #: Media type of the body.
    media: str = ""
    #: More headers: what the caller gives, lower case.
    headers: Mapping[str, str] | None = None
    #: The name under which a stream knows this call, or None: over HTTP only. Its body is msgpack then.
    stream: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path.partition('?')[0]}"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    #: Media type of the body.
    media: str
    retry_after_s: float | None = None
    #: Lower case; empty for an answer of the stream.
    headers: Mapping[str, str] | None = None

    def value(self) -> Any:
        """The decoded body, None without one. Raises ``ValueError`` when it is not what its media type says."""
        return codec.decode(self.media, self.body) if self.body else None

    def problem(self) -> dict[str, Any]:
        """The problem document of a refusal; of anything else, its text as ``detail``."""
        try:
            found = self.value()
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
        return {"detail": self.body[:300].decode(errors="replace")}


class Lost(Exception):
    """There is no answer. ``sent`` is False when the request certainly never left."""

    def __init__(self, reason: str, *, sent: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


class AsyncTransport(Protocol):
    async def send(self, request: Request, timeout_s: float) -> Reply:
        """Raises ``Lost``; never waits for longer than ``timeout_s``."""

    async def close(self) -> None: ...


class SyncTransport(Protocol):
    """Used by many threads at once."""

    def send(self, request: Request, timeout_s: float) -> Reply:
        """Raises ``Lost``; never waits for much longer than ``timeout_s``."""

    def close(self) -> None: ...


def retry_after_s(text: str | None) -> float | None:
    """Seconds of a ``retry-after`` header; None without a usable one."""
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
