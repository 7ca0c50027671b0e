"""CPU seconds of a server's processes by what they are: who pays for a request."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

import psutil

#: What a process's title contains, which Ray sets for its workers; the first hit wins.
_MARKS = (
    (":Gateway", "gateway"), (":Scorer", "scorer"), (":Echo", "echo"), ("ProfileShard", "shards"),
    ("Coordinator", "coordinator"), ("Insight", "insight"), (":Console", "console"),
    ("uvicorn_echo", "uvicorn"), ("redis_service", "service"),
    ("spawn_main", "service"),
)
_BINARIES = {"haproxy": "haproxy", "redis-server": "redis"}
#: Everything else that a Ray installation runs: controller, proxy manager, raylet, GCS, the driver.
OTHERS = "ray itself"
#: What those who answer went on doing once the load had ended, above all checkpoints: it belongs to the load.
AFTERWARDS = "afterwards"
ROLES = (
    "haproxy", "gateway", "shards", "scorer", "coordinator", "insight", "console",
    "echo", "uvicorn", "service", "redis", OTHERS, AFTERWARDS,
)
#: Below this many CPU seconds per second a server is quiet: Ray's own processes never rest.
_QUIET = 0.25
_LOOK_S = 0.25
_QUIET_WITHIN_S = 10.0


def role(title: str) -> str:
    """What a process with this command line is."""
    binary = title.split(" ", 1)[0].rsplit("/", 1)[-1]
    if binary in _BINARIES:
        return _BINARIES[binary]
    for mark, found in _MARKS:
        if mark in title:
            return found
    return OTHERS


def spent(pid: int) -> dict[str, float]:
    """CPU seconds so far of a process and all below it, by role."""
    found: Counter[str] = Counter()
    try:
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return {}
    for process in processes:
        try:
            times, title = process.cpu_times(), " ".join(process.cmdline())
        except psutil.NoSuchProcess:
            continue
        found[role(title)] += times.user + times.system
    return dict(found)


def settle(pid: int) -> dict[str, float]:
    """Wait until a server is quiet, so that nothing of one workload is left for the next; returns its last reading."""
    deadline = time.monotonic() + _QUIET_WITHIN_S
    now = spent(pid)
    while time.monotonic() < deadline:
        before = now
        time.sleep(_LOOK_S)
        now = spent(pid)
        if sum(since(before, now).values()) < _QUIET * _LOOK_S:
            break
    return now


def since(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What was spent between two readings; processes that ended in between are left out."""
    return {name: max(0.0, seconds - before.get(name, 0.0)) for name, seconds in after.items()}


def per_unit_us(spent_s: Mapping[str, float], units: int) -> dict[str, float]:
    """Microseconds per request, or per decision."""
    return {name: seconds / units * 1e6 for name, seconds in spent_s.items()} if units else {}
