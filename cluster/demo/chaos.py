"""``--chaos``: one shard is killed in mid-replay, as the kernel would do it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import psutil

from models.errors import KairosError

_TITLE: Final = "ray::ProfileShard"


@dataclass(slots=True)
class Kill:
    """Call it with each decision; it strikes once, when ``after`` decisions were answered."""

    after: int
    seen: int = 0
    #: 0 until it has struck.
    pid: int = 0
    struck_s: float = 0.0

    def __call__(self) -> None:
        self.seen += 1
        if self.seen == self.after:
            self.pid = kill_one_shard()
            self.struck_s = time.perf_counter()


def kill_one_shard() -> int:
    """SIGKILL one shard of the Kairos that this process started; returns its pid."""
    for process in psutil.Process().children(recursive=True):
        try:
            title = " ".join(process.cmdline()) or process.name()
        except psutil.NoSuchProcess:
            continue
        if title.startswith(_TITLE):
            pid = int(process.pid)
            process.kill()
            return pid
    raise KairosError(f"no process of this Kairos is titled {_TITLE}; --chaos needs the shards on this machine")
