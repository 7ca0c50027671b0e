"""A throw-away PostgreSQL server: Debian's own binaries, a folder of its own, loopback and a Unix socket, a password.

Nothing is made faster by making it unsafe: ``fsync`` is on. PostgreSQL does not run as root, so root starts it as
another user.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg

from support.server import eventually, free_port

#: May do everything; only the tests use it.
ADMIN = "postgres"
#: What Kairos is given: owns its databases, nothing more.
USER = "kairos"
_UNPRIVILEGED = ("postgres", "nobody")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %a ",
}


def binaries() -> Path | None:
    """The folder with ``initdb`` and ``postgres`` of the newest release here; None without one."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parents[1].name), reverse=True,
    )
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path).resolve())
    return next((path.parent for path in found if (path.parent / "postgres").exists()), None)


def _identity() -> dict[str, Any]:
    """Arguments for ``subprocess`` that make a child of root somebody else."""
    if os.geteuid() != 0:
        return {}
    for name in _UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("root needs a user postgres or nobody to run PostgreSQL as")


class PostgresServer:
    """``start`` makes the server the first time. It may be stopped, killed, halted and started again on its port."""

    def __init__(self, settings: dict[str, str] | None = None) -> None:
        found = binaries()
        assert found is not None, "no PostgreSQL binaries: install Debian's postgresql"
        self._bin = found
        self._settings = {**_SETTINGS, **(settings or {})}
        self._as = _identity()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = itertools.count(1)
        self.folder = Path(tempfile.mkdtemp(prefix="kairos-pg-"))
        self.port = free_port()
        self.password = secrets.token_urlsafe(12)
        self.log = self.folder / "server.log"
        if self._as:
            os.chown(self.folder, self._as["user"], self._as["group"])

    @property
    def owner(self) -> tuple[int, int]:
        """User and group as which it runs."""
        return self._as.get("user", os.geteuid()), self._as.get("group", os.getegid())

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        """The administrator's, of the maintenance database, password included, by TCP."""
        return self.url_of("postgres", user=ADMIN)

    def url_of(self, database: str, *, password: bool = True, user: str = USER) -> str:
        secret = f":{self.password}" if password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def socket_url_of(self, database: str) -> str:
        return f"postgresql://{USER}:{self.password}@/{database}?host={self.folder}&port={self.port}"

    def start(self) -> None:
        """Return when it answers; a killed server recovers first."""
        is_new = not self.data.exists()
        if is_new:
            self._initialise()
        arguments = [str(self._bin / "postgres"), "-D", str(self.data), "-k", str(self.folder), "-p", str(self.port)]
        for name, value in self._settings.items():
            arguments += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                **self._as,
            )
        eventually("PostgreSQL answers", self.answers)
        if is_new:
            with self.session() as connection:
                connection.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{self.password}'")

    def _initialise(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        if self._as:
            os.chown(secret, self._as["user"], self._as["group"])
        done = subprocess.run(
            [str(self._bin / "initdb"), "-D", str(self.data), "-U", ADMIN, "-A", "scram-sha-256",
             f"--pwfile={secret}", "-E", "UTF8", "--locale=C", "--no-sync"],
            capture_output=True, text=True, check=False, cwd=self.folder, **self._as,
        )
        secret.unlink()
        assert done.returncode == 0, done.stderr

    def answers(self) -> bool:
        assert self._process is not None, "the server was not started"
        assert self._process.poll() is None, self.log.read_text()[-2_000:]
        try:
            with psycopg.connect(self.url, connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """An orderly end: connections are cut, everything is written."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill -9, the server and every process of it: what was not synced may be lost, as when a machine dies."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        for process in self._processes() if number is signal.SIGKILL else [psutil.Process(self._process.pid)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        self._process.wait(60)
        self._process = None

    def halt(self) -> None:
        """SIGSTOP for all of it: connections stay open, nobody answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _processes(self) -> list[psutil.Process]:
        """The postmaster first, so that it makes no child while they are listed."""
        assert self._process is not None, "the server was not started"
        postmaster = psutil.Process(self._process.pid)
        return [postmaster, *postmaster.children(recursive=True)]

    @contextlib.contextmanager
    def session(self, url: str | None = None) -> Iterator[psycopg.Connection]:
        """A connection (without ``url`` the administrator's), each statement its own transaction."""
        with psycopg.connect(url or self.url, autocommit=True, connect_timeout=10) as connection:
            yield connection

    def fresh_database(self) -> str:
        """The address, password included, of an empty database that no other test uses."""
        name = f"kairos_{next(self._databases)}_{secrets.token_hex(3)}"
        with self.session() as connection:
            connection.execute(f'CREATE DATABASE "{name}" OWNER {USER}')
        return self.url_of(name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is connected to it."""
        with self.session() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{urlsplit(url).path[1:]}" WITH (FORCE)')

    def remove(self) -> None:
        """Kill it if it runs, and delete its folder."""
        if self._process is not None:
            self.resume()
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def without_password(url: str) -> str:
    """The address as actors get it; the password goes into PGPASSWORD."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.username}@{parts.hostname}:{parts.port}"))
