"""Which versions of scorers are worth asking: one that fails again and again rests by itself, and the others go on.

A version rests after a few failures in a row. Its customers are decided on evidence meanwhile; after a pause, which
doubles as long as that is in vain, one call tries it again. When all that were asked lately rest, it is no version that
is broken, but the scorer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from models import limits

log = structlog.get_logger(__name__)
#: None: no scores were wanted, but whether a scorer is there.
Version = str | None


@dataclass(slots=True)
class _Standing:
    asked_s: float
    #: In a row.
    failures: int = 0
    pause_ms: int = 0
    #: When a version that rests is tried again.
    until_s: float = 0.0

    @property
    def rests(self) -> bool:
        return self.failures >= limits.BREAKER_FAILURES


class ScorerStandings:
    """At most ``limits.SCORERS_STANDING_MAX`` versions, those asked last. ``now_s``: a clock that only goes forward."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._known: dict[Version, _Standing] = {}

    def may_ask(self, version: Version) -> bool:
        """False for a version that rests. When its pause is over, the first who asks may; the others wait for what
        comes of that."""
        standing = self._known.get(version)
        if standing is None or not standing.rests:
            return True
        now_s = self._now_s()
        if now_s < standing.until_s:
            return False
        standing.until_s = now_s + standing.pause_ms / 1_000
        return True

    def answered(self, version: Version) -> None:
        standing = self._of(version)
        if standing.rests:
            log.info("a scorer that rested answers again", version=version)
        standing.failures = standing.pause_ms = 0

    def failed(self, version: Version, error: Exception) -> bool:
        """True when every version that was asked lately rests now."""
        standing = self._of(version)
        standing.failures += 1
        if standing.rests:
            standing.pause_ms = min(max(limits.BREAKER_PROBE_MS, 2 * standing.pause_ms), limits.BREAKER_PAUSE_MS_MAX)
            standing.until_s = standing.asked_s + standing.pause_ms / 1_000
        since_s = standing.asked_s - limits.SCORER_LATELY_MS / 1_000
        all_rest = all(one.rests for one in self._known.values() if one.asked_s >= since_s)
        if standing.failures == limits.BREAKER_FAILURES and not all_rest:
            log.warning("a scorer rests", version=version, failures=standing.failures, error=type(error).__name__)
        return all_rest

    def forget(self) -> None:
        self._known.clear()

    def _of(self, version: Version) -> _Standing:
        """Of a version that was asked just now."""
        now_s = self._now_s()
        standing = self._known.get(version)
        if standing is None:
            if len(self._known) >= limits.SCORERS_STANDING_MAX:
                del self._known[min(self._known, key=lambda one: self._known[one].asked_s)]
            standing = self._known[version] = _Standing(now_s)
        standing.asked_s = now_s
        return standing
