"""How long answered decisions took, in the buckets of Insight: two additions for each."""

from __future__ import annotations

from typing import Final

from models import limits
from models.insight.latency import BUCKETS, bucket_of

#: Calls that decide.
DECIDING: Final = frozenset({"decisions", "decisions:batch"})


class DecisionLatencies:
    """Counts since the replica began; they only grow."""

    def __init__(self) -> None:
        self.counts = [0] * BUCKETS

    def note(self, seconds: float) -> None:
        self.counts[bucket_of(seconds * limits.SECOND_MS)] += 1
