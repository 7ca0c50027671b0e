"""What is told by the wall: how many decisions a second, how many of them degraded, how long answers took."""

from __future__ import annotations

from collections import deque

from models import limits
from models.insight.latency import Latencies, quantile_ms


class Meters:
    """``now_ms``: any clock that never jumps."""

    def __init__(self) -> None:
        self.latencies = Latencies()
        #: (when, decisions, degraded) of what was read while it was new, oldest first.
        self._seen: deque[tuple[int, int, int]] = deque()

    def decided(self, decisions: int, degraded: int, now_ms: int) -> None:
        if decisions:
            self._seen.append((now_ms, decisions, degraded))
        self._forget(now_ms)

    def rate_per_s(self, now_ms: int) -> float:
        """Of the last ten seconds, to three digits."""
        begin_ms = now_ms - limits.INSIGHT_RATE_MS
        many = sum(decisions for at_ms, decisions, _ in self._seen if at_ms > begin_ms)
        return float(f"{many * limits.SECOND_MS / limits.INSIGHT_RATE_MS:.3g}")

    def degraded_share(self, now_ms: int) -> float | None:
        """Of the last minute; None without any decision."""
        self._forget(now_ms)
        decisions = sum(one[1] for one in self._seen)
        return float(f"{sum(one[2] for one in self._seen) / decisions:.4g}") if decisions else None

    def quantiles_ms(self, now_ms: int) -> tuple[float | None, float | None]:
        """p50 and p99 of the gateways' answers of the last minute."""
        counts = self.latencies.recent(now_ms)
        return quantile_ms(counts, 0.5), quantile_ms(counts, 0.99)

    def _forget(self, now_ms: int) -> None:
        while self._seen and self._seen[0][0] <= now_ms - limits.INSIGHT_SHARE_MS:
            self._seen.popleft()
