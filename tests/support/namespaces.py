"""Several hosts on this machine: network namespaces on one bridge, each with an address and links of its own.

What runs in a host reaches the others and the bridge, until a link is taken down (``cut``) or single peers are made
unreachable (``hide``). Needs root and Debian's iproute2.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from typing import IO

import psutil

from support.server import eventually


def missing() -> str:
    """Why hosts cannot be made here; "" when they can."""
    if shutil.which("ip") is None:
        return "no `ip`: install Debian's iproute2"
    if os.geteuid() != 0:
        return "network namespaces need root"
    probe = f"kp{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"network namespaces cannot be made: {made.stderr.strip()}"
    _ip("netns", "del", probe)
    return ""


class Hosts:
    """``count`` hosts, numbered from 1. The bridge itself, with this process, has ``outside`` as its address."""

    def __init__(self, count: int) -> None:
        self._name = f"k{secrets.token_hex(3)}"
        self._net = f"10.{100 + secrets.randbelow(100)}.{secrets.randbelow(250)}"
        self.outside = f"{self._net}.1"
        self.count = count
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("addr", "add", f"{self.outside}/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")
        for host in range(1, count + 1):
            self._make(host)

    @property
    def _bridge(self) -> str:
        return f"{self._name}b"

    def _link(self, host: int) -> str:
        return f"{self._name}v{host}"

    def space(self, host: int) -> str:
        return f"{self._name}-{host}"

    def address(self, host: int) -> str:
        return f"{self._net}.{10 + host}"

    def _make(self, host: int) -> None:
        space, link = self.space(host), self._link(host)
        _ip("netns", "add", space)
        _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("link", "set", link, "master", self._bridge)
        _ip("link", "set", link, "up")
        _ip("-n", space, "addr", "add", f"{self.address(host)}/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "eth0", "up")
        _ip("-n", space, "link", "set", "lo", "up")

    def start(
        self, host: int, command: Sequence[str], environment: Mapping[str, str], output: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Run a command on a host, in a session of its own."""
        return subprocess.Popen(
            ["ip", "netns", "exec", self.space(host), *command], env=dict(environment), stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
        )

    def cut(self, host: int) -> None:
        """Pull the plug of its network: neither other hosts nor the store can be reached."""
        _ip("link", "set", self._link(host), "down")

    def join(self, host: int) -> None:
        _ip("link", "set", self._link(host), "up")

    def hide(self, host: int, peers: Iterable[int]) -> None:
        """The host and these peers lose each other; everything else, the store too, stays within its reach."""
        for peer in peers:
            _ip("-n", self.space(host), "route", "add", "blackhole", f"{self.address(peer)}/32")

    def show(self, host: int, peers: Iterable[int]) -> None:
        for peer in peers:
            _ip("-n", self.space(host), "route", "del", "blackhole", f"{self.address(peer)}/32")

    def processes(self, host: int) -> list[psutil.Process]:
        """Live processes of a host."""
        found = []
        for pid in _ip("netns", "pids", self.space(host)).split():
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(int(pid))
                if process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def crash(self, host: int, sparing: int = 0) -> None:
        """Kill -9 everything that runs there, as when the machine loses its power; ``sparing`` one process."""
        def is_empty() -> bool:
            left = [process for process in self.processes(host) if process.pid != sparing]
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
            return not left

        eventually(f"host {host} is empty", is_empty)

    def remove(self) -> None:
        for host in range(1, self.count + 1):
            self.crash(host)
            _ip("netns", "del", self.space(host))
        _ip("link", "del", self._bridge)


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr.strip()}"
    return done.stdout
