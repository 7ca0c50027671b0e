"""A process that gives way does so with all its threads."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import os, threading
from pathlib import Path
from actors.priority import give_way
gate = threading.Event()
early = threading.Thread(target=gate.wait)
early.start()
threading.Thread(target=give_way, args=(7,)).run()
worker = threading.Thread(target=give_way, args=(5,))
worker.start()
worker.join()
late = threading.Thread(target=gate.wait)
late.start()
print(sorted({os.getpriority(os.PRIO_PROCESS, int(task.name)) for task in Path("/proc/self/task").iterdir()}))
gate.set()
"""


def test_every_thread_gives_way_and_none_comes_back() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[7]"
