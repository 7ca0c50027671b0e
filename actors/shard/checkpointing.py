"""Writing out in the background what replay would otherwise have to make again, a few milliseconds at a time.

A checkpoint at row C flushes every customer with facts up to C, every idempotency key and every row's list of customers
up to C, and last the shard's own state as it was at C. Turns go on between its steps: a customer that changes
meanwhile is stored newer than C, which replay recognises.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import TypeVar

import structlog

from actors.journal.interface import Checkpoint, FlushBatch, IndexEntry
from actors.shard.garbage import search_everything
from actors.shard.parts import ShardParts, Tail
from actors.shard.retention import Truncator
from models import limits
from models.errors import DiskFull

log = structlog.get_logger(__name__)
_T = TypeVar("_T")
#: After a full disk, this many turns pass before the next attempt.
_RETRY_TURNS = 100


class Checkpointer:
    def __init__(self, parts: ShardParts) -> None:
        self._parts = parts
        self._steps: AsyncGenerator[None, None] | None = None
        self._seen = 0
        self._written = 0
        self._truncator = Truncator(parts.store, parts.settings.shard)

    @property
    def is_due(self) -> bool:
        tail, settings = self._parts.tail, self._parts.settings
        return (
            tail.turns >= settings.checkpoint_turns or tail.segments >= settings.checkpoint_segments
            or tail.bytes >= settings.checkpoint_bytes
        )

    async def step(self) -> bool:
        """A few steps between two turns: True when there is more to do. Memory is brought under its bound.

        Writes out at least twice as many customers as turns have changed since the last call, so that a checkpoint
        ends however busy the shard is; that costs in proportion to what those turns cost.
        """
        work, self._seen = self._parts.segments - self._seen, self._parts.segments
        try:
            await self._make_room()
            if self._steps is None:
                if not self.is_due:
                    return False
                self._steps = self._checkpoint()
            for _ in range(1 + 2 * work // limits.FLUSH_PROFILES):
                if not await self._advance():
                    break
            return self._steps is not None
        except DiskFull:
            log.error("no space for a checkpoint; it will be tried again")
            self._steps = None
            self._parts.tail.turns = self._parts.settings.checkpoint_turns - _RETRY_TURNS
            self._parts.tail.segments = self._parts.tail.bytes = 0
            return False

    async def _advance(self) -> bool:
        assert self._steps is not None
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
            parts.core.forget_keys(checkpoint.seq)
            parts.recent_rows.forget(checkpoint.seq)
            parts.counters.totals["checkpoints"] += 1
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
        for customers in _parts_of(parts.residency.dirty(), limits.FLUSH_PROFILES):
            await self.flush(customers)
            yield
        for found in _parts_of(parts.core.keys_up_to(checkpoint.seq), limits.FLUSH_ENTRIES):
            keys = [IndexEntry(customer, key, e.seq, e.at_ms, e.fingerprint, e.hint) for customer, key, e in found]
            await parts.writer(journal.flush, FlushBatch(keys=keys))
            yield
        for touched in _parts_of(parts.recent_rows.up_to(checkpoint.seq), limits.FLUSH_ENTRIES):
            await parts.writer(journal.flush, FlushBatch(touched=touched))
            yield


def _parts_of(items: Sequence[_T], size: int) -> list[Sequence[_T]]:
    return [items[start:start + size] for start in range(0, len(items), size)]
