"""Who looks on while decisions are measured: open consoles, or nobody at all."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psutil

from models.errors import KairosError

_END_WAIT_S: Final = 30.0


@contextmanager
def consoles(port: int, key: str, count: int, seen: list[dict[str, Any]]) -> Iterator[None]:
    """So many open consoles; what they saw is added to ``seen``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "loadtests.bench.consoles", f"http://127.0.0.1:{port}", key, str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    if not process.stdout.readline():
        raise KairosError(f"no console opened ({process.wait()}); see the output above")
    try:
        yield
    finally:
        process.stdin.close()
        said = process.stdout.readline()
        process.wait(_END_WAIT_S)
    seen.append(json.loads(said))
    print(f"         {count} consoles saw {said.strip()}", flush=True)


@contextmanager
def insight_asleep(pid: int) -> Iterator[None]:
    """The process that reads the journals of the installation below ``pid`` stands still."""
    found = [process for process in psutil.Process(pid).children(recursive=True) if _is_insight(process)]
    if not found:
        raise KairosError(f"there is no Insight below process {pid}; is the installation up?")
    for process in found:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in found:
            process.send_signal(signal.SIGCONT)


def _is_insight(process: psutil.Process) -> bool:
    try:
        return "Insight" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
