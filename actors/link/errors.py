"""How a call over a link can fail."""

from __future__ import annotations

from models.errors import KairosError


class LinkGone(KairosError):
    """The connection was lost, or the answer did not come in time: the call may have been executed."""


class LinkRefused(LinkGone):
    """No connection came about (nobody there, another incarnation, a wrong secret): nothing was executed."""


class LinkFailed(KairosError):
    """The peer's handler raised: its answer is unknown, and asking again may not help."""


class LinkOversized(KairosError):
    """The call is larger than a frame may be: nothing was sent. Send less at a time."""
