"""Insight's journal: one row, the newest snapshot. It is appended, then what came before it is truncated; the epoch
fences a second Insight. All of it blocks, and may be called from any thread."""

from __future__ import annotations

import os
import threading
import time
from typing import Final

import structlog

from actors.journal.interface import Checkpoint, Journal
from actors.naming import INSIGHT_OWNER
from actors.stores.interface import Store
from actors.stores.patience import patiently
from models import limits
from models.errors import JournalFailed, JournalLocked
from models.insight.snapshot import Snapshot

log = structlog.get_logger(__name__)
_BATCH_ID_BYTES: Final = 16


class SnapshotRecord:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        #: Who waited for a write may have been cancelled while its thread writes on: the next one waits for that.
        self._lock = threading.Lock()
        #: Bytes of the snapshot that was read or written last.
        self.size = 0

    @classmethod
    def open(cls, store: Store) -> SnapshotRecord:
        """Become the owner. Waits for a store that is away, and for a dying predecessor to let go of the files. Raises
        ``JournalLocked`` when it does not."""
        deadline = time.monotonic() + limits.TAKE_OVER_WAIT_MS / limits.SECOND_MS
        while True:
            try:
                journal = patiently(lambda: store.journal(INSIGHT_OWNER))
                break
            except JournalLocked:
                if time.monotonic() > deadline:
                    raise
                time.sleep(limits.LOCK_RETRY_MS / limits.SECOND_MS)
        journal.take_over(INSIGHT_OWNER)
        return cls(journal)

    @property
    def epoch(self) -> int:
        return self._journal.epoch

    def newest(self) -> Snapshot | None:
        """None when there is none that can be read: then everything is counted anew."""
        try:
            rows = list(self._journal.rows(max(0, self._journal.last_seq - 1)))
            self.size = len(rows[-1].payload) if rows else 0
            return Snapshot.unpack(rows[-1].payload) if rows else None
        except JournalFailed as error:
            log.warning("the snapshot of the counts cannot be read; counting anew", detail=str(error))
            return None

    def write(self, packed: bytes, at_ms: int) -> None:
        """Raises ``Fenced``, ``DiskFull``, ``JournalFailed``, ``StoreAway``."""
        with self._lock:
            seq = self._journal.append(os.urandom(_BATCH_ID_BYTES), packed, at_ms)
            self._journal.complete_checkpoint(Checkpoint(seq, at_ms, b""))
            self._journal.truncate(seq)
            self.size = len(packed)

    def close(self) -> None:
        with self._lock:
            self._journal.close()
