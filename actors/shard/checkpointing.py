"""Writing out in the background what replay would otherwise have to make again, a few milliseconds at a time.

A checkpoint at row C flushes every customer with facts up to C, every idempotency key and every row's list of customers
up to C, and last the shard's own state as it was at C. Turns go on between its steps: a customer that changes
meanwhile is stored newer than C, which replay recognises.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import structlog

from actors.journal.interface import Checkpoint, FlushBatch, IndexEntry
from actors.shard.garbage import search_everything
from actors.shard.parts import ShardParts, Tail
from actors.shard.retention import Truncator
from models import ids, limits
from models.errors import DiskFull

log = structlog.get_logger(__name__)
_T = TypeVar("_T")
#: After a full disk, this many turns pass before the next attempt.
_RETRY_TURNS = 100


class Checkpointer:
    def __init__(self, parts: ShardParts) -> None:
        self._parts = parts
        self._steps: AsyncGenerator[None, None] | None = None
        self._written = 0
        #: Steps of the checkpoint that is being written: about how many, and how many are done.
        self._planned = 0
        self._taken = 0
        self._truncator = Truncator(parts.store, parts.settings.shard)

    @property
    def _share(self) -> float:
        """How much of the way from the last checkpoint to the next is done; 1 when it is due."""
        tail, settings = self._parts.tail, self._parts.settings
        return max(
            tail.turns / settings.checkpoint_turns, tail.segments / settings.checkpoint_segments,
            tail.bytes / settings.checkpoint_bytes,
        )

    async def step(self) -> bool:
        """A few steps between two turns: True when there is more to do. Memory is brought under its bound.

        A checkpoint ends a quarter of the way to the next, however busy the shard is, and no turn waits for more than
        its share.
        """
        try:
            await self._make_room()
            if self._steps is None:
                if self._share < 1:
                    return False
                self._steps, self._taken = self._checkpoint(), 0
            while await self._advance() and self._taken < 4 * self._planned * self._share:
                pass
            return self._steps is not None
        except DiskFull:
            log.error("no space for a checkpoint; it will be tried again")
            self._steps = None
            self._parts.tail.turns = self._parts.settings.checkpoint_turns - _RETRY_TURNS
            self._parts.tail.segments = self._parts.tail.bytes = 0
            return False

    async def _advance(self) -> bool:
        assert self._steps is not None
        self._taken += 1
        try:
            await anext(self._steps)
        except StopAsyncIteration:
            self._steps = None
            self._written += 1
            if self._written % limits.CHECKPOINTS_PER_FULL_SEARCH == 0:
                search_everything()
        return self._steps is not None

    async def finish(self) -> None:
        """A whole checkpoint now, for a drain. Raises DiskFull."""
        while self._steps is not None:
            await self._advance()
        self._steps = self._checkpoint()
        while self._steps is not None:
            await self._advance()

    async def flush(self, customers: Sequence[bytes]) -> None:
        """Store those of them that are dirty."""
        parts = self._parts
        profiles, erased = parts.residency.to_flush(customers)

        def write() -> None:
            sealed = parts.store.seal_profiles(profiles)
            parts.store.journal.flush(FlushBatch(sealed, erased=[customer for customer, _ in erased]))

        if profiles or erased:
            await parts.writer(write)
            parts.residency.flushed(profiles, erased)

    async def _make_room(self) -> None:
        while waiting := self._parts.residency.shrink(limits.FLUSH_PROFILES):
            await self.flush(waiting)
            self._parts.counters.totals["passivated"] += len(waiting)

    async def _checkpoint(self) -> AsyncGenerator[None, None]:
        parts, journal = self._parts, self._parts.store.journal
        began_s = time.monotonic()
        state = parts.core.state
        checkpoint = Checkpoint(state.seq, state.last_ms, parts.core.pack_state())
        tail = parts.tail
        parts.tail = Tail()
        if checkpoint.seq:
            try:
                async for _ in self._index(checkpoint):
                    yield
            except BaseException:
                parts.tail.turns += tail.turns
                raise
            await parts.writer(journal.complete_checkpoint, checkpoint, limits.CHECKPOINT_KEPT_APART_MS)
            parts.recent_rows.forget()
            while parts.core.forget_keys(limits.FORGET_KEYS):
                yield
            parts.counters.checkpointed(began_s)
            yield
        forget_ms = checkpoint.at_ms - limits.IDEMPOTENCY_MS
        while await parts.writer(journal.drop_keys, forget_ms, limits.FLUSH_ENTRIES):
            yield
        # Rows that a remembered key points at stay, however short the retention is.
        keep_ms = max(parts.settings.retention_ms, limits.IDEMPOTENCY_MS)
        while await parts.writer(self._truncator.step, checkpoint.at_ms - keep_ms):
            yield

    async def _index(self, checkpoint: Checkpoint) -> AsyncGenerator[None, None]:
        parts, journal = self._parts, self._parts.store.journal
        dirty = parts.residency.dirty()
        recent, rows = parts.core.set_keys_apart(), parts.recent_rows.set_apart()
        self._planned = len(dirty) // limits.FLUSH_PROFILES + (len(recent) + len(rows)) // limits.FLUSH_ENTRIES
        for customers in _in_order(dirty, lambda customer: customer, limits.FLUSH_PROFILES):
            await self.flush(customers)
            yield
        for found in _in_order(recent.items(), lambda item: item[0][0], limits.FLUSH_ENTRIES):
            keys = [IndexEntry(*pair, e.seq, e.at_ms, e.fingerprint, e.hint) for pair, e in found]
            await parts.writer(journal.flush, FlushBatch(keys=keys))
            yield
        for touched in _in_order(rows.items(), lambda item: item[0], limits.FLUSH_ENTRIES):
            await parts.writer(journal.flush, FlushBatch(touched=touched))
            yield


def _in_order(items: Iterable[_T], customer_of: Callable[[_T], bytes], size: int) -> Iterator[list[_T]]:
    """In parts of ``size``, in the order of their customers within a tenant. Sorted by the first byte that tells
    customers apart at once, and the rest of the way only when their turn has come: no step takes long."""
    buckets: list[list[_T]] = [[] for _ in range(256)]
    for item in items:
        buckets[customer_of(item)[ids.TENANT_TAG_BYTES]].append(item)
    part: list[_T] = []
    for bucket in buckets:
        part += sorted(bucket, key=customer_of)
        while len(part) >= size:
            yield part[:size]
            part = part[size:]
    if part:
        yield part
