"""Which customers have a timer that is due: those in memory by a heap, the others by the store's index."""

from __future__ import annotations

import heapq

from actors.shard.residency import Residency


class DueHeap:
    """Entries are checked against the customer's present timer when they come up, and dropped when they are stale."""

    def __init__(self, residency: Residency) -> None:
        self._residency = residency
        self._heap: list[tuple[int, bytes]] = []

    def note(self, customer: bytes, due_ms: int) -> None:
        if due_ms > 0:
            heapq.heappush(self._heap, (due_ms, customer))
            if len(self._heap) > 4 * len(self._residency) + 1_024:
                self._compact()

    def _compact(self) -> None:
        self._heap = sorted({pair for pair in self._heap if self._is_current(*pair)})

    def _is_current(self, due_ms: int, customer: bytes) -> bool:
        entry = self._residency.get(customer)
        return entry is not None and entry.due_ms == due_ms

    def next_ms(self) -> int:
        """The earliest timer in memory, 0 for none."""
        while self._heap and not self._is_current(*self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else 0

    def pop(self, now_ms: int, limit: int) -> list[tuple[int, bytes]]:
        """(due_ms, customer) with ``due_ms <= now_ms`` in due order, each customer once."""
        found: dict[bytes, int] = {}
        while len(found) < limit and 0 < self.next_ms() <= now_ms:
            due_ms, customer = heapq.heappop(self._heap)
            found.setdefault(customer, due_ms)
        return [(due_ms, customer) for customer, due_ms in found.items()]

    def fresh(self, stored: list[tuple[int, bytes]], now_ms: int) -> list[tuple[int, bytes]]:
        """Of what the store says is due, what still is: a dirty customer in memory knows better."""
        kept = []
        for due_ms, customer in stored:
            entry = self._residency.get(customer)
            if entry is None or not entry.dirty or 0 < entry.due_ms <= now_ms:
                kept.append((due_ms, customer))
        return kept
