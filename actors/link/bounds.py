"""The bounds of a link; only tests have others than the defaults."""

from __future__ import annotations

from dataclasses import dataclass

from models import limits


@dataclass(frozen=True, slots=True)
class Bounds:
    frame_bytes: int = limits.LINK_FRAME_BYTES_MAX
    #: Frames of one connection that the server has in work.
    calls: int = limits.LINK_CALLS_MAX
    strangers: int = limits.LINK_UNAUTHENTICATED_MAX
    handshake_ms: int = limits.LINK_HANDSHAKE_MS
    keep_alive_ms: int = limits.LINK_KEEP_ALIVE_MS
    silence_ms: int = limits.LINK_SILENCE_MS
    resolve_ms: int = limits.LINK_RESOLVE_MS

    @property
    def silent_beats(self) -> int:
        """Heartbeats that may fail to come before the peer counts as gone."""
        return self.silence_ms // self.keep_alive_ms


DEFAULT = Bounds()
