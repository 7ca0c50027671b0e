"""The journal of the counts is written by one thread at a time, whoever still waits for it."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from actors.insight.record import SnapshotRecord
from actors.stores.opening import open_store
from models.insight.snapshot import Snapshot


class Watched:
    """A journal that tells whether two were at work in it at once. Stands for a real one but in that."""

    def __init__(self, journal: Any) -> None:
        self._journal = journal
        self._meeting = threading.Barrier(2)
        self.met = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def append(self, *args: Any) -> int:
        with contextlib.suppress(threading.BrokenBarrierError):  # then nobody else came
            self._meeting.wait(0.2)
            self.met = True
        seq: int = self._journal.append(*args)
        return seq


def test_two_who_write_do_so_one_after_the_other(tmp_path: Path) -> None:
    record = SnapshotRecord.open(open_store({"store": "sqlite", "data_dir": str(tmp_path)}))
    journal = record._journal = Watched(record._journal)  # type: ignore[assignment]
    with ThreadPoolExecutor(2) as threads:
        written = [threads.submit(record.write, Snapshot(shards).pack(), 0) for shards in (1, 2)]
        for one in written:
            one.result()
    assert not journal.met
    newest = record.newest()
    assert newest is not None
    assert newest.shards in (1, 2)
    record.close()
