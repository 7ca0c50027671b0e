"""What a gateway refuses, on its way to the store: gathered in memory, written by a task once a second.

The first refusal of its kind in a minute is written at once (within the second), its repetitions are counted and
written when the minute ends; beyond a number of kinds only the count of all others is. So a flood costs a bounded
number of entries. A gateway that is killed loses what it refused in the last second, and the counts of the last minute.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

import structlog

from actors.access.denials.interface import DenialStore
from actors.access.denials.record import Denial, Entry, Head, shown_scope
from models import limits
from models.errors import KairosError

#: Stands for what came after so many kinds that they are not told apart any more.
OTHERS: Final = "others"
_FLUSH_S: Final = 1.0
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Count:
    count: int
    first_ms: int
    last_ms: int


class DenialLog:
    def __init__(self, store: DenialStore, chain: str | None = None, wall_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._wall_s = wall_s
        #: Names this life of a gateway: when it began and something that no other has.
        self.chain = chain or f"{int(wall_s() * 1_000):013d}-{os.urandom(4).hex()}"
        self._head = Head()
        #: Made, but perhaps not durable yet: written again until they are.
        self._unwritten: list[Entry] = []
        #: Kinds of this minute whose first was put down; what came since. None: put down at the next flush.
        self._counts: dict[Denial, _Count] = {}
        self._told: set[Denial] = set()
        self._minute = 0
        self._is_failing = False
        #: One write at a time: a task that is cancelled leaves its write behind on another thread.
        self._writing = threading.Lock()

    def note(self, status: int, call: str, key: str, tenant: str, scope: str, peer: str) -> None:
        """Put down one refusal; touches neither disk nor network."""
        denial = Denial(call, status, key, tenant, shown_scope(scope), peer)
        if denial not in self._told and denial not in self._counts and self._is_full():
            denial = Denial(OTHERS, status, "", "", "", "")
        now_ms = int(self._wall_s() * 1_000)
        known = self._counts.get(denial)
        if known is None:
            self._counts[denial] = _Count(1, now_ms, now_ms)
        else:
            known.count += 1
            known.last_ms = now_ms

    def _is_full(self) -> bool:
        return len(self._told) + len(self._counts) >= limits.DENIAL_KINDS_PER_MINUTE_MAX

    async def run(self) -> None:
        """Write once a second until cancelled; then what is left."""
        try:
            while True:
                await asyncio.sleep(_FLUSH_S)
                if self._counts or self._told or self._unwritten:
                    await asyncio.to_thread(self._write, self._take())
        finally:
            self._write(self._take(everything=True))

    def flush(self) -> None:
        """Write everything that was noted, counts too."""
        self._write(self._take(everything=True))

    def _take(self, everything: bool = False) -> list[Entry]:
        """What is to be written now, as entries; on the thread that notes."""
        minute = int(self._wall_s() // 60)
        if minute != self._minute:
            self._minute, everything = minute, True
            self._told.clear()
        taken = {kind: count for kind, count in self._counts.items() if everything or kind not in self._told}
        for kind, count in taken.items():
            del self._counts[kind]
            self._told.add(kind)
            self._put(kind, count)
        return self._unwritten

    def _put(self, kind: Denial, count: _Count) -> None:
        if len(self._unwritten) >= limits.DENIALS_UNWRITTEN_MAX:
            log.error("denials_dropped", count=count.count, status=kind.status)
            return
        body: dict[str, Any] = {**asdict(kind), **asdict(count)}
        entry = Entry.after(self._head, body)
        self._head = entry.head
        self._unwritten.append(entry)

    def _write(self, entries: list[Entry]) -> None:
        with self._writing:
            batch = list(entries)
            if not batch:
                return
            try:
                self._store.append(self.chain, batch)
            except (KairosError, OSError) as error:
                if not self._is_failing:
                    log.error("denials_unwritten", error=str(error))
                self._is_failing = True
                return
            self._is_failing = False
            del entries[:len(batch)]
