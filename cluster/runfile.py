"""Who runs in a data directory: the recorded processes of a live or killed ``kairos up``.

A process is its pid *and* start time, so a recycled pid is never taken for one of ours.
"""

from __future__ import annotations

import json
import signal
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from actors.durable_file import replace_file

_FILE = "run.json"
_END_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    started: float

    def find(self) -> psutil.Process | None:
        """The live process, or None when it has gone (or its pid belongs to another)."""
        try:
            process = psutil.Process(self.pid)
            alive = abs(process.create_time() - self.started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if alive else None


@dataclass(slots=True)
class RunFile:
    up: Process
    url: str
    ready: bool = False
    others: list[Process] = field(default_factory=list)
    #: The Ray cluster that was joined; None when `kairos up` started Ray itself. On a cluster nothing ends with `up`.
    address: str | None = None

    def write(self, data_dir: Path) -> None:
        replace_file(data_dir / _FILE, json.dumps(asdict(self)).encode())


def this_process() -> Process:
    me = psutil.Process()
    return Process(me.pid, me.create_time())


def descendants() -> list[Process]:
    """Every process that this one started, and they in turn."""
    found: list[Process] = []
    for child in psutil.Process().children(recursive=True):
        try:
            found.append(Process(child.pid, child.create_time()))
        except psutil.NoSuchProcess:
            continue
    return found


def read_run(data_dir: Path) -> RunFile | None:
    try:
        raw = json.loads((data_dir / _FILE).read_text())
    except FileNotFoundError:
        return None
    return RunFile(
        Process(**raw["up"]), raw["url"], raw["ready"], [Process(**other) for other in raw["others"]], raw["address"],
    )


def forget_run(data_dir: Path) -> None:
    (data_dir / _FILE).unlink(missing_ok=True)


def end_leftovers(run: RunFile) -> int:
    """End what a killed ``kairos up`` left behind; returns how many processes were ended."""
    live = [process for other in run.others if (process := other.find()) is not None]
    for process in live:
        _send(process, signal.SIGKILL)
    deadline = time.monotonic() + _END_WAIT_S
    while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in _still(live)):
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return len(live)


def _still(processes: list[psutil.Process]) -> list[psutil.Process]:
    found = []
    for process in processes:
        try:
            process.status()
        except psutil.NoSuchProcess:
            continue
        found.append(process)
    return found


def _send(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
