"""Evidence on its way: counts that shards reported and no version contains yet."""

from __future__ import annotations

from typing import Any

from models import limits
from models.coordination.facts import EvidencePublished
from models.coordination.messages import Count, Report
from models.coordination.totals import EvidenceTotals


class EvidenceGathering:
    """Not durable: shards repeat their counts until a published version contains them."""

    def __init__(self) -> None:
        #: (shard, kind, id) -> the largest counts reported.
        self._pending: dict[tuple[int, str, str], Count] = {}
        #: Shard -> the mark of its newest report that is pending.
        self._marks: dict[int, int] = {}
        #: Shard -> the mark up to which its counts are in a version.
        self._counted: dict[int, int] = {}
        #: When the oldest pending count came; None when nothing is pending.
        self._since_ms: int | None = None

    def forget_marks(self, shard: int) -> None:
        """The shard began again: its marks mean something else now."""
        self._marks.pop(shard, None)
        self._counted.pop(shard, None)

    def take(self, report: Report, totals: EvidenceTotals, now_ms: int) -> None:
        """Merge a report by the larger counts: repeats and overtaken reports change nothing."""
        shard, news = report.shard, totals.news(report.shard, report.counts)
        for count in news:
            key = (shard, count.kind, count.id)
            before = self._pending.get(key, count)
            self._pending[key] = Count(
                count.kind, count.id, max(before.accepts, count.accepts), max(before.contacts, count.contacts)
            )
        if news:
            self._marks[shard] = max(report.counts_mark, self._marks.get(shard, 0))
            if self._since_ms is None:
                self._since_ms = now_ms
        else:
            self._counted[shard] = max(report.counts_mark, self._counted.get(shard, 0))

    def counted_mark(self, shard: int) -> int:
        return self._counted.get(shard, 0)

    def due(self, version: int, now_ms: int) -> EvidencePublished | None:
        """The next version after ``version``, once the oldest change has waited for others long enough."""
        if self._since_ms is None or 0 <= now_ms - self._since_ms < limits.EVIDENCE_GATHER_MS:
            return None
        rows: list[list[Any]] = [[shard, *count.to_wire()] for (shard, _, _), count in self._pending.items()]
        self._counted.update({s: max(mark, self._counted.get(s, 0)) for s, mark in self._marks.items()})
        self._pending.clear()
        self._marks.clear()
        self._since_ms = None
        return EvidencePublished(version + 1, rows)
