"""Which timers to fire next: near ones from memory, the others by looking into the store's due index now and then."""

from __future__ import annotations

import time
from collections.abc import Callable

from actors.shard.checkpointing import Checkpointer
from actors.shard.parts import ShardParts
from models import limits


class Ticker:
    def __init__(self, parts: ShardParts, checkpointer: Checkpointer, monotonic: Callable[[], float] = time.monotonic):
        self._parts = parts
        self._checkpointer = checkpointer
        self._monotonic = monotonic
        self._next_poll = 0.0
        self._quiet_until = 0.0
        #: True after a look at memory and store found nothing due.
        self.is_quiet = False

    def hurry(self) -> None:
        """Time has jumped, or a shard has just started: look into the store at once."""
        self._next_poll = 0.0
        self.is_quiet = False

    def rest(self, wait_ms: float) -> None:
        """Firing failed (a full disk): try again later."""
        self._quiet_until = self._monotonic() + wait_ms / 1_000

    @property
    def may_find(self) -> bool:
        """Whether a look right now may find something: not after one that found nothing, and not while it rests."""
        return not self.is_quiet and self._monotonic() >= self._quiet_until

    async def due(self) -> list[bytes]:
        """Customers whose timers are due now, in due order, at most ``TICKS_PER_TURN_MAX``."""
        if self._parts.core.state.plan is None:
            self._next_poll = self._monotonic() + limits.TIMER_POLL_MS / 1_000
            self.is_quiet = True
            return []
        if self._monotonic() < self._quiet_until:
            return []
        now_ms = self._parts.now_ms()
        found = self._parts.due.pop(now_ms, limits.TICKS_PER_TURN_MAX)
        if self._monotonic() >= self._next_poll:
            found += await self._poll(now_ms)
        self.is_quiet = not found and self._monotonic() < self._next_poll
        ordered = dict.fromkeys(customer for _, customer in sorted(found))
        chosen = list(ordered)[: limits.TICKS_PER_TURN_MAX]
        left = ordered.keys() - set(chosen)
        for due_ms, customer in found:
            if customer in left:
                self._parts.due.note(customer, due_ms)
        return chosen

    async def _poll(self, now_ms: int) -> list[tuple[int, bytes]]:
        """A page of the store's index. A full page is followed by another at once."""
        parts = self._parts
        stored = await parts.writer(parts.store.journal.due, now_ms, limits.TICKS_PER_TURN_MAX)
        fresh = parts.due.fresh(stored, now_ms)
        if len(stored) < limits.TICKS_PER_TURN_MAX:
            self._next_poll = self._monotonic() + limits.TIMER_POLL_MS / 1_000
        elif len(fresh) < len(stored):
            # The index is behind memory: bring it up to date, or this page would come again and hide the next.
            known = {customer for _, customer in fresh}
            stale = [customer for _, customer in stored if customer not in known]
            for start in range(0, len(stale), limits.FLUSH_PROFILES):
                await self._checkpointer.flush(stale[start:start + limits.FLUSH_PROFILES])
        return fresh

    def wait_s(self) -> float:
        """Real seconds until something may be due."""
        until_poll = max(0.0, self._next_poll - self._monotonic())
        rests = max(0.0, self._quiet_until - self._monotonic())
        next_ms = self._parts.due.next_ms()
        if not next_ms or self._parts.settings.manual_clock:
            return max(rests, until_poll)
        return max(rests, min(until_poll, max(0.001, (next_ms - self._parts.now_ms()) / 1_000)))
