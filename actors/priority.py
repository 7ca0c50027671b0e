"""How a process gives way to those that decide."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_THREADS: Final = Path("/proc/self/task")


def give_way(steps: int) -> None:
    """Put every thread of this process at niceness ``steps`` at least; those that they start inherit it.

    ``os.nice`` would not do: on Linux it is the calling thread's alone, and Ray constructs actors on a thread that does
    little else.
    """
    for thread in _THREADS.iterdir():
        with suppress(ProcessLookupError):  # it has ended since
            number = int(thread.name)
            os.setpriority(os.PRIO_PROCESS, number, max(steps, os.getpriority(os.PRIO_PROCESS, number)))
