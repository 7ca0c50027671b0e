"""When a call is repeated, and after which pause. Plain decisions: no clock, no socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models import limits

#: The contract's table, and 502 from a load balancer in front. Every call carries its ids, so a repeat has one effect.
REPEATABLE: Final = frozenset({412, 429, 500, 502, 503, 504})
#: Of these the contract says that nothing was done.
NOT_DONE: Final = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential pauses with full jitter, after what ``retry-after`` asks for, inside the caller's overall time."""

    #: Most attempts of one call; None: as many as its time allows.
    attempts: int | None = None
    first_pause_s: float = limits.CLIENT_FIRST_PAUSE_MS / limits.SECOND_MS
    longest_pause_s: float = limits.CLIENT_PAUSE_MS_MAX / limits.SECOND_MS

    def allows(self, attempts: int) -> bool:
        return self.attempts is None or attempts < self.attempts

    def pause_s(self, attempts: int, chance: float, retry_after_s: float | None = None) -> float:
        """The pause after so many attempts. ``chance`` is drawn from [0, 1)."""
        ceiling_s = min(self.longest_pause_s, self.first_pause_s * 2.0 ** min(attempts - 1, 30))
        return (retry_after_s or 0.0) + chance * ceiling_s


NO_RETRY: Final = RetryPolicy(attempts=1)


def may_repeat(status: int, *, conditional: bool) -> bool:
    """``conditional``: the call compares with what is there (``if-match``), so after a repeat that followed a silent
    success it would be refused; it is repeated only where nothing was done."""
    return status in (NOT_DONE if conditional else REPEATABLE)
