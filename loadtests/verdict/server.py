"""What the server used: CPU and memory of the process tree of an installation on this machine, by role.

The tree is found by the data directory's run file. Memory is what is resident and private to a process (resident minus
shared pages), so that pages shared among Ray's processes are not counted once per process.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

#: Part of a command line -> role, first match wins.
_ROLES: Final = (
    ("ray::ProfileShard", "shards"), ("ray::Coordinator", "coordinator"), ("ray::ServeReplica:kairos-scorer", "scorer"),
    ("ray::ServeReplica:kairos:", "gateway"), ("haproxy", "haproxy"), ("ray::", "ray workers"),
)
_REST: Final = "ray and kairos up"
_MB: Final = 1024 * 1024


def tree(data_dir: Path) -> list[psutil.Process]:
    """The live processes of the installation in a data directory. Raises ``FileNotFoundError`` without a run file."""
    run = json.loads((data_dir / "run.json").read_text())
    try:
        root = psutil.Process(run["up"]["pid"])
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def titled(data_dir: Path, title: str) -> list[psutil.Process]:
    """Those whose command line holds a text, e.g. ``ray::ProfileShard``."""
    return [process for process in tree(data_dir) if title in _title(process)]


def _title(process: psutil.Process) -> str:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return " ".join(process.cmdline()) or str(process.name())
    except psutil.Error:
        return ""


@dataclass(slots=True)
class ServerMeter:
    """Call ``sample`` now and then; a process that is gone keeps what it had used when last seen."""

    data_dir: Path
    #: (seconds since the beginning, private bytes of the whole tree).
    memory: list[tuple[float, int]] = field(default_factory=list)
    #: Role -> private bytes at the last sample.
    by_role: Counter[str] = field(default_factory=Counter)
    _begun_s: float = field(default_factory=time.monotonic)
    _first: dict[tuple[int, float], float] = field(default_factory=dict)
    _last: dict[tuple[int, float], tuple[str, float]] = field(default_factory=dict)

    def sample(self) -> None:
        roles: Counter[str] = Counter()
        for process in tree(self.data_dir):
            try:
                with process.oneshot():
                    key = (process.pid, process.create_time())
                    times, memory = process.cpu_times(), process.memory_info()
                    # Asked each time: Ray's workers get their titles some time after their birth.
                    role = _role(_title(process))
            except psutil.Error:
                continue
            used = times.user + times.system
            # Whoever was born later used everything after the beginning.
            self._first.setdefault(key, used if not self.memory else 0.0)
            self._last[key] = (role, used)
            roles[role] += memory.rss - memory.shared
        self.by_role = roles
        self.memory.append((time.monotonic() - self._begun_s, roles.total()))

    def cpu_s(self) -> dict[str, float]:
        """Role -> CPU seconds between the first and the last sample, most first."""
        found: dict[str, float] = {}
        for key, (role, used) in self._last.items():
            found[role] = found.get(role, 0.0) + used - self._first[key]
        return dict(sorted(found.items(), key=lambda one: -one[1]))

    def figures(self) -> dict[str, Any]:
        seconds = self.memory[-1][0] - self.memory[0][0] if len(self.memory) > 1 else 0.0
        cpu = self.cpu_s()
        return {
            "cpu_s": {role: round(used, 2) for role, used in cpu.items()},
            "cores": round(sum(cpu.values()) / seconds, 2) if seconds else None,
            "memory_mb": {role: round(size / _MB) for role, size in self.by_role.most_common()},
            "memory_mb_first": round(self.memory[0][1] / _MB) if self.memory else None,
            "memory_mb_last": round(self.memory[-1][1] / _MB) if self.memory else None,
        }


def _role(title: str) -> str:
    return next((role for part, role in _ROLES if part in title), _REST)
