"""A small real cluster on this machine: raylets with ports and folders of their own, a PostgreSQL beside them, and
`kairos up --address` over it.

All nodes share one address, so HTTP is served on the head only (`proxies: head`). A node here is a process tree:
killing one is SIGKILL to all of it at once, as when a machine loses its power.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

from cluster.ray_environment import SIDE_PORTS, node_variables
from support.server import WAIT_S, Server, eventually, free_port, kairos

_START_WAIT_S = 120.0
_ENDED = (psutil.NoSuchProcess, psutil.AccessDenied)


class RayNode:
    """One `ray start --block` and all that it started."""

    def __init__(self, process: subprocess.Popen[bytes], name: str, log: Path) -> None:
        self.process, self.name, self.log = process, name, log

    def tree(self) -> list[psutil.Process]:
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def raylet(self) -> psutil.Process:
        return next(one for one in self.tree() if one.name() == "raylet")

    def kill(self) -> None:
        """The machine is gone from one moment to the next."""
        self._signal(signal.SIGKILL)
        self.process.wait(timeout=WAIT_S)

    def freeze(self) -> None:
        """The machine answers nobody, but forgets nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        for one in self.tree():
            try:
                one.send_signal(number)
            except psutil.NoSuchProcess:
                continue


class Nodes:
    """The head is made first; ``close`` ends all that was started here, by its pids."""

    def __init__(self, folder: Path, store: str, environment: dict[str, str] | None = None) -> None:
        """``store``: a postgresql:// URL without a password (then ``environment`` holds PGPASSWORD), or "sqlite"."""
        self.folder, self.store = folder, store
        self.data_dir = folder / "data"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.gcs_port = free_port()
        self.port = free_port()
        self.address = f"127.0.0.1:{self.gcs_port}"
        self.nodes: dict[str, RayNode] = {}
        self._seen: dict[int, psutil.Process] = {}
        self._ups: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "KAIROS_"))},
            **node_variables(self.data_dir), **{name: str(free_port()) for name in SIDE_PORTS},
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "KAIROS_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            **(environment or {}),
        }
        self._command("node-env", "--data-dir", str(self.data_dir))  # installs the wrapper of HAProxy

    # nodes

    def add(self, name: str, cpus: int = 1) -> RayNode:
        """Start a node; the first is the head. Returns at once, see ``wait_for``."""
        assert name not in self.nodes
        is_head = not any(node.process.poll() is None for node in self.nodes.values())
        where = ["--head", f"--port={self.gcs_port}", f"--temp-dir={self._ray_folder()}"]
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [
                    str(Path(sys.executable).with_name("ray")), "start", "--block", f"--num-cpus={cpus}",
                    "--node-ip-address=127.0.0.1", "--object-store-memory=83886080", "--disable-usage-stats",
                    *([*where, "--include-dashboard=false"] if is_head else [f"--address={self.address}"]),
                    f"--node-name={name}", "--dashboard-agent-listen-port=0",
                ],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )
        self.nodes[name] = RayNode(process, name, log)
        return self.nodes[name]

    def wait_for(self, count: int) -> None:
        """Until so many nodes live."""
        eventually(f"{count} nodes live", lambda: len(self.listed()["nodes"]) == count, within_s=_START_WAIT_S)

    def listed(self) -> dict[str, Any]:
        """`kairos nodes --json`; no nodes when the cluster does not answer."""
        done = self._command("nodes", "--json", "--address", self.address, "--data-dir", str(self.data_dir))
        if done.returncode != 0:
            return {"nodes": [], "error": done.stderr}
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def node_id(self, name: str) -> str:
        found: str = next(node["id"] for node in self.listed()["nodes"] if node["name"] == name)
        return found

    def drain(self, name: str, within_s: int | None = None) -> None:
        """Announce that a node leaves, as an autoscaler or a spot instance would."""
        subprocess.run(
            [
                str(Path(sys.executable).with_name("ray")), "drain-node", f"--address={self.address}",
                f"--node-id={self.node_id(name)}", "--reason=DRAIN_NODE_REASON_PREEMPTION", "--reason-message=test",
                *([f"--deadline-remaining-seconds={within_s}"] if within_s is not None else []),
            ],
            env=self.environment, check=True, capture_output=True, timeout=WAIT_S,
        )

    def kill(self, name: str) -> None:
        self._remember()
        self.nodes.pop(name).kill()

    # Kairos

    def up(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`kairos up --address` in the foreground; its words are in ``up.log``."""
        with (self.folder / "up.log").open("ab") as output:
            self._ups.append(subprocess.Popen(
                [
                    *kairos(), "up", "--address", self.address, "--store", self.store, "--port", str(self.port),
                    "--data-dir", str(self.data_dir), *arguments,
                ],
                env={**self.environment, "KAIROS_PROXIES": "head"},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            ))
        return self._ups[-1]

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2.0).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def wait_ready(self, up: subprocess.Popen[bytes] | None = None, within_s: float = _START_WAIT_S) -> Server:
        def ready() -> bool:
            assert up is None or up.poll() is None, (self.folder / "up.log").read_text()[-4_000:]
            return self.is_ready()

        eventually("the installation is ready", ready, within_s)
        return Server(self.data_dir, self.port)

    def spread(self) -> dict[str, list[int]]:
        """The shards that serve, by the name of their node."""
        return {node["name"]: node["shards"] for node in self.listed()["nodes"]}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of Kairos as somebody on one of the nodes would give it."""
        return self._command(*arguments)

    def processes(self, title: str) -> list[psutil.Process]:
        """Live processes of all nodes whose command line holds a title, e.g. ``ray::ProfileShard``."""
        return [one for node in self.nodes.values() for one in node.tree() if title in _title(one)]

    def close(self) -> None:
        """End everything. Whoever was killed in a test may have left children: those are known too."""
        self._remember()
        for up in self._ups:
            up.kill()
            up.wait(timeout=WAIT_S)
        for node in list(self.nodes.values()):
            node.kill()
        for one in self._seen.values():
            try:
                one.kill()
            except _ENDED:
                continue
        shutil.rmtree(self._ray_folder(), ignore_errors=True)

    def _remember(self) -> None:
        self._seen.update({one.pid: one for node in self.nodes.values() for one in node.tree()})

    def _ray_folder(self) -> Path:
        """Short: Ray puts sockets there, whose paths are bounded."""
        return Path("/tmp") / f"kairos-nodes-{self.gcs_port}"

    def _command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*kairos(), *arguments], capture_output=True, text=True, check=False, timeout=_START_WAIT_S,
            env=self.environment, stdin=subprocess.DEVNULL,
        )


def within(what: str, check: Callable[[], bool], within_s: float = WAIT_S) -> float:
    """As ``eventually``; returns how long it took, in seconds."""
    started = time.monotonic()
    eventually(what, check, within_s)
    return time.monotonic() - started


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except _ENDED:
        return ""
