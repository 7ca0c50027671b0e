"""While ``kairos up`` runs: keep the actors in being, keep the run file true, notice when Ray itself dies."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

import psutil

from cluster import runfile
from cluster.launch import Running

_INTERVAL_S = 1.0
#: Ray restarts a dead actor by itself; only one that is gone for good has to be made anew, so a look now and then does.
_LOOKS_PER_ENSURE = 5


def wait_for_signal(running: Running, say: Callable[[str], None]) -> bool:
    """Supervise until SIGINT or SIGTERM. Returns True for a wanted end, False when Ray has died."""
    wanted = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        wanted.set()

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        recorded: set[int] = set()
        looks = 0
        while not wanted.wait(_INTERVAL_S):
            if not _ray_lives(running):
                say("Ray has died; what was acknowledged is in the journals")
                return False
            looks += 1
            if looks % _LOOKS_PER_ENSURE == 0:
                running.supervisor.look()
            recorded = _keep_run_file(running, recorded)
        return True
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _ray_lives(running: Running) -> bool:
    names = {"raylet", "gcs_server"}
    for child in psutil.Process().children():
        try:
            if child.name() in names and child.status() != psutil.STATUS_ZOMBIE:
                names.discard(child.name())
        except psutil.NoSuchProcess:
            continue
    return not names


def _keep_run_file(running: Running, recorded: set[int]) -> set[int]:
    """The processes that the run file names now. On a full disk it stays as it is, to be written at the next look:
    what serves must not end for that, and what this could say may go to the same disk."""
    live = runfile.descendants()
    pids = {process.pid for process in live}
    if pids == recorded:
        return recorded
    try:
        runfile.RunFile(runfile.this_process(), running.url, True, live).write(running.settings.data_dir)
    except OSError:
        return recorded
    return pids
