"""A Ray cluster of several hosts with Kairos on it: every host a network namespace with a raylet and HAProxy of its
own, PostgreSQL outside of them, started by the commands that an operator would type.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

import httpx
import psutil

from cluster.ray_environment import node_variables
from support.namespaces import Hosts
from support.postgres import PostgresServer, without_password
from support.server import eventually, kairos
from support.small_disk import SmallDisk

GCS_PORT: Final = 6379
PORT: Final = 8000
#: Titles of processes.
SHARD: Final = "ray::ProfileShard"
GATEWAY: Final = ":Gateway"
#: The host with the GCS.
HEAD: Final = 1
#: The host with `kairos up`: another one, so that it outlives the head.
OPERATOR: Final = 2
#: "1": leave the folder with the logs of Ray and of the commands, to look into them.
KEEP: Final = "KAIROS_KEEP_HOSTS"
_START_S: Final = 120
_ATTEMPTS: Final = 3
_STORE_BYTES: Final = 80 * 1024 * 1024
#: PostgreSQL's: room for a session of tests, and soon filled up.
_DISK_BYTES: Final = 512 * 1024 * 1024


class ClusterOfHosts:
    """``start`` makes everything; hosts that crashed are started again by ``start_hosts``."""

    def __init__(self, hosts: int, shards: int) -> None:
        self.hosts = Hosts(hosts)
        # Not below a test's own folder: the names of Ray's sockets must be short.
        self.folder = Path(tempfile.mkdtemp(prefix="kn-", dir="/tmp"))
        self.data_dir = self.folder / "data"
        self.postgres = PostgresServer({
            "listen_addresses": f"127.0.0.1,{self.hosts.outside}", "min_wal_size": "32MB", "max_wal_size": "64MB",
        })
        self.disk = SmallDisk(self.postgres.folder, _DISK_BYTES, self.postgres.owner)
        self.store = ""
        self.shards = shards
        self._up: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] = (self.folder / "hosts.log").open("ab")
        self._environment: dict[str, str] = {}
        # One for all questions: each new one would read the certificates of the world.
        self._http = httpx.Client(timeout=10.0)

    @property
    def address(self) -> str:
        return f"{self.hosts.address(HEAD)}:{GCS_PORT}"

    @property
    def numbers(self) -> range:
        return range(1, self.hosts.count + 1)

    def url(self, host: int) -> str:
        return f"http://{self.hosts.address(host)}:{PORT}"

    @property
    def urls(self) -> list[str]:
        return [self.url(host) for host in self.numbers]

    @property
    def key(self) -> str:
        return (self.data_dir / "admin.key").read_text().strip()

    def log(self) -> str:
        """The last of what the commands said."""
        return (self.folder / "hosts.log").read_text(errors="replace")[-6_000:]

    def start(self) -> None:
        self._prepare()
        self.start_hosts(self.numbers)
        self.up()

    def _prepare(self) -> None:
        """Database, password, master key and token: what an operator gives to every node."""
        self.disk.make()
        self.postgres.start()
        with (self.postgres.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {self.hosts.outside}/16 scram-sha-256\n")
        with self.postgres.session() as connection:
            connection.execute("SELECT pg_reload_conf()")
        url = self.postgres.fresh_database()
        self.store = without_password(url).replace("127.0.0.1", self.hosts.outside)
        given = {
            "token": secrets.token_hex(32), "master.key": base64.b64encode(secrets.token_bytes(32)).decode(),
            "pgpass": f"*:*:*:*:{urlsplit(url).password}",
        }
        for name, text in given.items():
            (self.folder / name).touch(mode=0o600)
            (self.folder / name).write_text(text + "\n" if name != "token" else text)
        outer = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "KAIROS_", "PG"))}
        self._environment = {
            **outer, "PGPASSFILE": str(self.folder / "pgpass"), "RAY_AUTH_TOKEN_PATH": str(self.folder / "token"),
            "KAIROS_MASTER_KEY_FILE": str(self.folder / "master.key"), "KAIROS_STORE": self.store,
            "KAIROS_DATA_DIR": str(self.data_dir), "KAIROS_GATEWAYS": str(self.hosts.count),
            # On a busy machine a raylet takes its time.
            "RAY_raylet_start_wait_time_s": "60",
        }
        self._environment |= node_variables(self.data_dir)
        self.data_dir.mkdir()
        done = self.command("node-env")  # puts HAProxy's wrapper where the variables name it
        assert done.returncode == 0, done.stderr

    def start_hosts(self, hosts: Iterable[int]) -> None:
        """`ray start` on each in turn (they share the folder in which Ray gives out names); returns when their raylets
        run. The head comes first."""
        for host in sorted(hosts, key=lambda one: one != HEAD):
            assert any(self._start_host(host) for _ in range(_ATTEMPTS)), self.log()

    def _start_host(self, host: int) -> bool:
        """Whether it came up: a raylet whose agent is too slow on a busy machine ends itself."""
        role = ["--head", f"--port={GCS_PORT}", "--include-dashboard=false", f"--temp-dir={self.folder / 'ray'}"]
        starting = self.hosts.start(
            host,
            [str(Path(sys.executable).with_name("ray")), "start", f"--node-ip-address={self.hosts.address(host)}",
             "--num-cpus=1", f"--object-store-memory={_STORE_BYTES}", "--disable-usage-stats",
             *(role if host == HEAD else [f"--address={self.address}"])],
            self._environment, self._log,
        )
        if starting.wait(_START_S) == 0:
            return True
        self._crash(host)
        return False

    def _crash(self, host: int) -> None:
        """All of a host but `kairos up`."""
        self.hosts.crash(host, sparing=self._up.pid if self._up is not None else 0)

    def up(self) -> None:
        """`kairos up --address`; returns when the first gateway is ready."""
        self._up = self.hosts.start(
            OPERATOR, [*kairos(), "up", "--address", self.address, "--host", "0.0.0.0", "--port", str(PORT),
                       "--shards", str(self.shards)],
            self._environment, self._log,
        )
        eventually("the installation is ready", self.is_ready, within_s=_START_S)

    @property
    def secrets(self) -> dict[str, str]:
        """What a tool needs in its environment to open the store."""
        return {name: self._environment[name] for name in ("PGPASSFILE", "KAIROS_MASTER_KEY_FILE")}

    def renew_hosts(self, hosts: Iterable[int]) -> None:
        """End what is left of them, but for `kairos up`, and start them again."""
        for host in hosts:
            self._crash(host)
        self.start_hosts(hosts)

    def drain_host(self, host: int) -> None:
        """Announce to Ray that a host leaves, as an autoscaler or a spot instance would."""
        (node,) = {one["node_id"] for one in self.get("/v1/status")["shards"] if one["pid"] in self.pids(SHARD, host)}
        done = self._run("ray", "drain-node", f"--address={self.address}", f"--node-id={node}",
                         "--reason=DRAIN_NODE_REASON_PREEMPTION", "--reason-message=a test")
        assert done.returncode == 0, done.stderr

    def pids(self, title: str, host: int | None = None) -> set[int]:
        """Of the processes whose command line holds ``title``, on one host or all."""
        return {one.pid for one in self._titled(title, [host] if host else self.numbers)}

    def kill(self, title: str, number: signal.Signals) -> psutil.Process:
        """Send a signal to one process of that name."""
        found: list[psutil.Process] = []

        def is_there() -> bool:
            found[:] = self._titled(title, self.numbers)
            return bool(found)

        eventually(f"there is a process {title}", is_there)
        found[0].send_signal(number)
        return found[0]

    def _titled(self, title: str, hosts: Iterable[int]) -> list[psutil.Process]:
        found = []
        for host in hosts:
            for process in self.hosts.processes(host):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if title in " ".join(process.cmdline()):
                        found.append(process)
        return found

    def is_ready(self, host: int = HEAD) -> bool:
        assert self._up is None or self._up.poll() is None, self.log()
        try:
            return self._http.get(f"{self.url(host)}/readyz", timeout=3.0).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def get(self, path: str, host: int = HEAD) -> Any:
        answer = self._http.get(self.url(host) + path, headers={"authorization": f"Bearer {self.key}"})
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    def homes(self) -> dict[int, int]:
        """Shard -> the host on which it serves, as the status and the processes tell it. Empty when nobody answers."""
        try:
            told = self.get("/v1/status")["shards"]
        except (httpx.HTTPError, AssertionError):
            return {}
        host_of = {process.pid: host for host in self.numbers for process in self.hosts.processes(host)}
        return {
            one["shard"]: host_of[one["pid"]] for one in told
            if one.get("state") == "serving" and one.get("pid") in host_of
        }

    def all_serve(self) -> bool:
        return self.is_ready() and len(self.homes()) == self.shards

    def has_left(self, host: int) -> bool:
        """Whether every shard serves, on other hosts."""
        homes = self.homes()
        return len(homes) == self.shards and host not in homes.values()

    def is_spread(self) -> bool:
        """Every host has a shard, and every shard serves."""
        homes = self.homes()
        return len(homes) == self.shards and len(set(homes.values())) == self.hosts.count

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of Kairos where `kairos up` runs."""
        return self._run("kairos", *arguments)

    def _run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = str(Path(sys.executable).with_name(name))
        return subprocess.run(
            ["ip", "netns", "exec", self.hosts.space(OPERATOR), program, *arguments], env=self._environment,
            capture_output=True, text=True, check=False, timeout=_START_S,
        )

    def stop(self) -> int:
        """SIGTERM to `kairos up`: drain; its exit status."""
        assert self._up is not None
        os.killpg(self._up.pid, signal.SIGTERM)
        status = self._up.wait(_START_S)
        self._up = None
        return status

    def remove(self) -> None:
        self.hosts.remove()
        self.postgres.remove()
        self.disk.remove()
        self._http.close()
        self._log.close()
        if os.environ.get(KEEP) != "1":
            shutil.rmtree(self.folder, ignore_errors=True)
