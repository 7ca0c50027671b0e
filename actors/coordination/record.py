"""The coordinator's journal: facts of one command, one row, written by one thread in the order of the commands.

A row's payload is ``{"t": real time in ms, "f": [fact wires]}``.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from actors.journal.interface import Checkpoint, Journal
from actors.naming import COORDINATOR_OWNER
from actors.stores.interface import Store
from actors.stores.patience import patiently
from models import limits
from models.canonical import pack, unpack
from models.coordination.core import CoordinatorCore
from models.coordination.facts import Fact, from_wire, to_wire
from models.errors import JournalFailed, JournalLocked

_RETRY_S = 0.1
_BATCH_ID_BYTES = 16


class CoordinatorRecord:
    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="coordinator-journal")
        self._rows_since_checkpoint = 0

    @classmethod
    def open(cls, store: Store) -> CoordinatorRecord:
        """Wait for a store that is away, and for a dying predecessor to let go of the file. Raises ``JournalLocked``
        when it does not."""
        deadline = time.monotonic() + limits.TAKE_OVER_WAIT_MS / 1_000
        while True:
            try:
                return cls(patiently(lambda: store.journal(COORDINATOR_OWNER)))
            except JournalLocked:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_RETRY_S)

    def recover(self, core: CoordinatorCore) -> None:
        """Become the owner, fence every earlier one, and stand where the last one stood."""
        core.epoch = self.journal.take_over("coordinator")
        checkpoint = self.journal.checkpoint()
        if checkpoint is not None:
            core.load_state(checkpoint.state)
        elif self.journal.oldest_seq() > 1:
            raise JournalFailed("the coordinator's journal was truncated but has no checkpoint; restore a backup")
        for row in self.journal.rows(checkpoint.seq if checkpoint is not None else 0):
            core.replay(from_wire(wire) for wire in unpack(row.payload)["f"])
            self._rows_since_checkpoint += 1
        core.state.validate()

    async def write(self, facts: Sequence[Fact], core: CoordinatorCore, now_ms: int) -> None:
        """Return when the facts, and all before them, are durable. Call it right after ``core.handle``: a checkpoint
        takes the core's state as of these facts. Without facts it confirms that the journal is still mine.

        Raises ``Fenced``, ``DiskFull``, ``JournalFailed``: the process must go.
        """
        state = None
        if facts:
            self._rows_since_checkpoint += 1
            if self._rows_since_checkpoint >= limits.COORDINATOR_CHECKPOINT_ROWS:
                self._rows_since_checkpoint = 0
                state = core.pack_state()
        payload = _payload(facts, now_ms) if facts else b""
        loop = asyncio.get_running_loop()
        await asyncio.shield(loop.run_in_executor(self._writer, self._write, payload, state, now_ms))

    def write_at_start(self, facts: Sequence[Fact], now_ms: int) -> None:
        """Like ``write``, before there is a loop."""
        self._write(_payload(facts, now_ms), None, now_ms)

    def _write(self, payload: bytes, state: bytes | None, now_ms: int) -> None:
        if not payload:
            self.journal.confirm()
            return
        seq = self.journal.append(os.urandom(_BATCH_ID_BYTES), payload, now_ms)
        if state is not None:
            self.journal.complete_checkpoint(Checkpoint(seq, now_ms, state))
            self.journal.truncate(max(1, seq - limits.COORDINATOR_ROWS_KEPT))

    async def rows(self, after_seq: int, limit: int) -> list[list[object]]:
        """[seq, epoch, batch id, payload] of each row after ``after_seq``."""

        def read() -> list[list[object]]:
            return [[row.seq, row.epoch, row.batch_id, row.payload] for row in self.journal.rows(after_seq, limit)]

        return await asyncio.get_running_loop().run_in_executor(self._writer, read)

    async def close(self) -> None:
        """All that was handed over is written; nothing can be written any more."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self.journal.close)
        self._writer.shutdown(wait=True)


def _payload(facts: Sequence[Fact], now_ms: int) -> bytes:
    return pack({"t": now_ms, "f": [to_wire(fact) for fact in facts]})
