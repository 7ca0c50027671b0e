"""Pages of shards become counts, recent decisions and meters. One at a time, in any order of shards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from actors.insight.meters import Meters
from actors.insight.wire import Adopted, Page
from models import limits
from models.catalog.check import compile_catalog
from models.insight.names import Names
from models.insight.recent import Recent
from models.insight.rows import Read, Row, read
from models.insight.snapshot import Snapshot

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Standing:
    """How far a shard is read."""

    #: The newest row that was read, the shard's newest one, and up to where rows were counted before this start.
    seq: int
    newest: int
    counted: int
    #: When it last answered, and when it was last read to its end (ms, monotonic); 0 for never.
    heard_ms: int = 0
    ended_ms: int = 0

    @property
    def is_behind(self) -> bool:
        return self.seq < self.newest


class Counting:
    def __init__(self, snapshot: Snapshot, shards: int) -> None:
        """``snapshot``: where to go on. One of another number of shards keeps its counts; the journals that it knew are
        not these."""
        if snapshot.shards != shards:
            snapshot.shards, snapshot.positions = shards, {}
        self.snapshot = snapshot
        self.recent = Recent()
        self.meters = Meters()
        self.standings = {shard: self._begin(shard) for shard in range(shards)}
        #: Counts up with each page that changed anything.
        self.changes = 0
        #: Decisions that were counted here, since this start.
        self.decisions = 0
        #: Set by an erasure: what was counted of that customer cannot be read again, so it should be kept soon.
        self.erased = asyncio.Event()

    def _begin(self, shard: int) -> Standing:
        """A little before what was counted, for the recent decisions."""
        counted = self.snapshot.positions.get(shard, 0)
        return Standing(max(0, counted - limits.FEED_REFILL_ROWS), counted, counted)

    async def take(self, shard: int, page: Page, now_ms: int) -> None:
        """``now_ms``: monotonic."""
        standing = self.standings[shard]
        if page.last < standing.seq:
            # Of an incarnation that has not noticed yet that it was superseded.
            log.warning("a shard tells less than was read of it before", shard=shard, seq=page.last)
            return
        was_new = standing.ended_ms > 0 and not standing.is_behind
        standing.heard_ms, standing.newest = now_ms, page.last
        for adopted in page.adopted:
            await self._learn(adopted)
        if page.base_seq is not None and page.base_seq > standing.seq:
            self._note_missing(shard, page.base_seq - max(standing.seq, standing.counted))
            standing.seq = page.base_seq
        for first in range(0, len(page.rows), limits.INSIGHT_STEP_ROWS):
            self._count(shard, standing, page.rows[first : first + limits.INSIGHT_STEP_ROWS], was_new, now_ms)
            await asyncio.sleep(0)
        if not standing.is_behind:
            if not standing.ended_ms:
                log.info("a shard is read to its end", shard=shard, seq=standing.seq)
            standing.ended_ms = now_ms

    @staticmethod
    def _note_missing(shard: int, many: int) -> None:
        if many > 0:
            log.warning("rows are gone before they were counted", shard=shard, missing=many)

    def _count(self, shard: int, standing: Standing, rows: Sequence[Row], is_new: bool, now_ms: int) -> None:
        """No await: what is counted and how far it is counted are one."""
        self._note_missing(shard, rows[0].seq - standing.seq - 1)
        found = read(rows, self.snapshot.history, self.snapshot.names, standing.counted)
        self.decisions += sum(one.seq > standing.counted for one in found.decisions)
        standing.seq = rows[-1].seq
        self.snapshot.positions[shard] = max(standing.seq, standing.counted)
        self._note(found, is_new, now_ms)
        self.changes += 1

    def _note(self, found: Read, is_new: bool, now_ms: int) -> None:
        self.recent.offer(found.decisions, found.erased, now_ms)
        if found.erased:
            self.erased.set()
        if is_new:
            degraded = sum(decision.degraded for decision in found.decisions)
            self.meters.decided(len(found.decisions), degraded, now_ms)
        if found.unknown:
            log.warning("decisions of a catalog that no journal names are counted without gates",
                        missing=len(found.unknown))

    async def _learn(self, adopted: Adopted) -> None:
        known = self.snapshot.names.get(adopted.version)
        if known is None:
            known = Names.of(await asyncio.to_thread(compile_catalog, adopted.catalog))
        self.snapshot.learn(known, adopted.clock_ms)
