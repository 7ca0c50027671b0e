"""The disk of the embedded store: a framed log per owner that is written, then synced; both may fail, the process may
die in between, and a loss of power takes back what was not synced, tearing the frame at its edge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, TypeVar

from models import canonical
from models.errors import DiskFull, JournalFailed, JournalLocked
from simulated_cluster.hub import Hub, Process, meet, wait
from simulated_cluster.journal import Change
from simulated_cluster.tables import Tables

T = TypeVar("T")
_HEAD_BYTES: Final = 4
_SUM_BYTES: Final = 8


def _frame(payload: bytes) -> bytes:
    return len(payload).to_bytes(_HEAD_BYTES, "big") + payload + hashlib.blake2b(payload, digest_size=8).digest()


class File:
    """Bytes as the operating system shows them; on the medium for certain are the first ``synced``."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.synced = 0
        self.holder: Process | None = None

    def frames(self) -> tuple[list[bytes], int]:
        """Whole frames, and where they end."""
        frames, at = [], 0
        while at + _HEAD_BYTES <= len(self.content):
            size = int.from_bytes(self.content[at : at + _HEAD_BYTES], "big")
            end = at + _HEAD_BYTES + size + _SUM_BYTES
            payload = bytes(self.content[at + _HEAD_BYTES : end - _SUM_BYTES])
            if bytes(self.content[at:end]) != _frame(payload):
                break
            frames.append(payload)
            at = end
        return frames, at

    def lose_power(self, hub: Hub) -> None:
        """Any part of what was not synced is gone; what is left of it may end in the middle of a frame, or in noise."""
        unsynced = len(self.content) - self.synced
        if not unsynced:
            return
        kept = hub.rng.choice((0, hub.rng.randint(0, unsynced)))
        del self.content[self.synced + kept :]
        if kept and hub.rng.random() < 0.3:
            self.content[-1] ^= 0x5A
        torn = len(self.content) > self.frames()[1]
        hub.note("torn tail" if torn else "unsynced bytes lost", kept=kept, of=unsynced)


class Disk:
    """The files of one machine."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.files: dict[str, File] = {}
        self.full_until = 0.0
        self.fsync_fails = 0
        #: What happens when a shard next stands before, in or after a change: (which, what).
        self.trap: tuple[str, Callable[[Process], None]] | None = None

    def open(self, name: str, process: Process) -> DiskPlace:
        """Raises ``JournalLocked`` while another process lives that has it."""
        file = self.files.setdefault(name, File())
        if file.holder is not None and file.holder.is_alive and file.holder is not process:
            raise JournalLocked(f"{name} is held by {file.holder.name}")
        file.holder = process
        return DiskPlace(self, file, process)

    def lose_power(self) -> None:
        for file in self.files.values():
            file.lose_power(self.hub)

    def tables(self, name: str) -> Tables:
        """What a start would find."""
        return _read(self.files.setdefault(name, File()))


def _read(file: File) -> Tables:
    frames, end = file.frames()
    del file.content[end:]
    tables = Tables()
    for frame in frames:
        tables.apply(canonical.unpack(frame))
    return tables


class DiskPlace:
    is_remote = False

    def __init__(self, disk: Disk, file: File, process: Process) -> None:
        self._disk, self._file, self._process = disk, file, process
        self._tables = _read(file)
        file.synced = len(file.content)
        self._broken = False

    def _wait(self) -> None:
        wait(self._process, self._disk.hub.rng.random() * 0.4)

    def change(self, work: Change[T], *, soon: bool = False) -> T:
        hub, file = self._disk.hub, self._file
        if self._broken:
            raise JournalFailed("the disk failed before")
        self._wait()
        operations, result = work(self._tables)
        if not operations:
            return result
        meet(self._disk, "before", self._process)
        if hub.now < self._disk.full_until:
            hub.note("disk full")
            raise DiskFull("no space")
        file.content += _frame(canonical.pack([list(operation) for operation in operations]))
        self._wait()
        meet(self._disk, "written", self._process)
        if not soon:
            self._sync()
        self._tables.apply(operations)
        self._wait()
        meet(self._disk, "done", self._process)
        return result

    def _sync(self) -> None:
        """After a failed one the pages may be gone from memory and from the medium, so nothing is tried again."""
        if self._disk.fsync_fails > 0:
            self._disk.fsync_fails -= 1
            self._disk.hub.note("fsync error")
            self._broken = True
            if self._disk.hub.rng.random() < 0.5:
                self._file.lose_power(self._disk.hub)
            raise JournalFailed("fsync: input/output error")
        self._file.synced = len(self._file.content)

    def look(self, work: Callable[[Tables], T]) -> T:
        return work(self._tables)

    def close(self) -> None:
        if self._file.holder is self._process:
            self._file.holder = None

