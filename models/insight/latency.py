"""How long answers took, as counts of log-spaced buckets: each gateway counts its own for ever, Insight tells the last
minute's.

Bucket 0 is up to ``FLOOR_MS``; each next one is a tenth wider; the last one has no end. A gateway reports
``pack([counts, before])``: cumulative since its start, now and at its report before, so that a report that is lost or
told twice changes nothing, and Insight needs to have heard none before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import ceil, log
from typing import Final

from models import limits

FLOOR_MS: Final = 0.1
_RATIO: Final = 1.1
_LOG_RATIO: Final = log(_RATIO)
#: Up to a minute and a half.
BUCKETS: Final = ceil(log(90_000.0 / FLOOR_MS) / _LOG_RATIO) + 2


def bucket_of(took_ms: float) -> int:
    """The bucket in which a latency is counted."""
    if took_ms <= FLOOR_MS:
        return 0
    return min(BUCKETS - 1, 1 + int(log(took_ms / FLOOR_MS) / _LOG_RATIO))


def quantile_ms(counts: Sequence[int], share: float) -> float | None:
    """The latency below which ``share`` of the answers stayed, within 5 %, to three digits; None without any."""
    total = sum(counts)
    if total <= 0:
        return None
    left = max(1, ceil(share * total))
    for bucket, count in enumerate(counts):
        left -= count
        if left <= 0:
            return float(f"{FLOOR_MS * _RATIO ** max(0.0, bucket - 0.5):.3g}")
    raise AssertionError("the counts of all buckets are their total")


class Latencies:
    """Reports of gateway replicas. ``now_ms`` is any clock that never jumps."""

    def __init__(self) -> None:
        #: Replica -> (when, cumulative counts), oldest first: one from before the window, and those within it.
        self._reports: dict[str, deque[tuple[int, tuple[int, ...]]]] = {}

    def report(self, replica: str, counts: Sequence[int], before: Sequence[int], now_ms: int) -> None:
        """Raises ValueError for counts of other buckets."""
        told, base = tuple(map(int, counts)), tuple(map(int, before))
        if len(told) != BUCKETS or len(base) != BUCKETS:
            raise ValueError(f"{len(told)} and {len(base)} counts for {BUCKETS} buckets")
        known = self._reports.get(replica)
        if known is None and len(self._reports) >= limits.INSIGHT_REPLICAS_MAX:
            self._reports.pop(min(self._reports, key=lambda one: self._reports[one][-1][0]))
        if known is None or any(new < old for new, old in zip(told, known[-1][1], strict=True)):
            known = self._reports[replica] = deque([(now_ms, base)])
        known.append((now_ms, told))
        self._forget(known, now_ms)

    def recent(self, now_ms: int) -> list[int]:
        """Counts per bucket of the last minute, of all replicas."""
        sums = [0] * BUCKETS
        for known in self._reports.values():
            self._forget(known, now_ms)
            if known[-1][0] > now_ms - limits.INSIGHT_SHARE_MS:
                for bucket, (first, last) in enumerate(zip(known[0][1], known[-1][1], strict=True)):
                    sums[bucket] += last - first
        return sums

    @staticmethod
    def _forget(known: deque[tuple[int, tuple[int, ...]]], now_ms: int) -> None:
        while len(known) > 1 and known[1][0] <= now_ms - limits.INSIGHT_SHARE_MS:
            known.popleft()
