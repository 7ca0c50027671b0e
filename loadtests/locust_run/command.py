"""The command lines of Locust for what was wanted."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

_USERS_CLOSED: Final = 20
#: An open loop has users for the calls of so many seconds, should answers take that long.
_USERS_OPEN_S: Final = 1.0
_USERS_OPEN_MIN: Final = 50
_USERS_OPEN_MOST: Final = 2_000
#: Locust warns above this many new users per second.
_SPAWN_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    locustfile: Path
    url: str
    #: 0: by the loop's kind.
    users: int
    rate: float
    arrivals: str
    seconds: float
    page: bool
    stream: bool
    workers: int
    json: Path | None
    customers: int
    think: float
    caps: tuple[str, ...]
    errors_max: float
    data_dir: Path | None
    may_kill: bool
    alone: bool = False

    def against(self, url: str, data_dir: Path) -> Self:
        """An installation of the run's own: nobody else uses it, and it may be killed."""
        return replace(self, url=url, data_dir=data_dir, may_kill=True, alone=True)

    @property
    def users_wanted(self) -> int:
        if self.users:
            return self.users
        if self.rate:
            return min(_USERS_OPEN_MOST, max(_USERS_OPEN_MIN, int(self.rate * _USERS_OPEN_S)))
        return _USERS_CLOSED


def locust_command(wanted: Wanted, port: int) -> list[str]:
    """Of the process that leads: the only one, or the master that listens on loopback for its workers."""
    users = wanted.users_wanted
    command = [
        *_locust(wanted), "--host", wanted.url, "--users", str(users), "--spawn-rate", str(min(users, _SPAWN_MOST)),
        "--only-summary", *(["--autostart", "--web-host", "127.0.0.1"] if wanted.page else ["--headless"]),
        "--seconds", str(wanted.seconds), "--rate", str(wanted.rate), "--arrivals", wanted.arrivals,
        "--customers", str(wanted.customers), "--think", str(wanted.think), "--errors-max", str(wanted.errors_max),
    ]
    for flag, given in (("--stream", wanted.stream), ("--may-kill", wanted.may_kill), ("--alone", wanted.alone)):
        command += [flag] if given else []
    for cap in wanted.caps:
        command += ["--cap", cap]
    if wanted.data_dir is not None:
        command += ["--data-dir", str(wanted.data_dir.resolve())]
    if wanted.json is not None:
        command += ["--verdict-json", str(wanted.json.resolve())]
    if wanted.workers:
        command += [
            "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(port),
            "--expect-workers", str(wanted.workers), "--expect-workers-max-wait", "60",
        ]
    return command


def worker_command(wanted: Wanted, port: int) -> list[str]:
    return [*_locust(wanted), "--worker", "--master-host", "127.0.0.1", "--master-port", str(port)]


def _locust(wanted: Wanted) -> list[str]:
    return [sys.executable, "-m", "locust", "-f", str(wanted.locustfile), "--loglevel", "WARNING"]
