"""The cluster as a whole: machines, what runs on them, and who is found under which name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from simulated_cluster.disk import Disk
from simulated_cluster.hosts import CoordinatorHost, Gateway, ShardHost
from simulated_cluster.hub import Hub, Process
from simulated_cluster.installation import SimulatedStore
from simulated_cluster.network import Network
from simulated_cluster.server import Server

EMBEDDED: Final = "embedded"
SHARED: Final = "shared"
#: The machine of clients and of whoever watches: it is never lost.
OUTSIDE: Final = "outside"


class Cluster:
    def __init__(self, hub: Hub, kind: str) -> None:
        rng = hub.rng
        self.hub, self.kind = hub, kind
        self.network = Network(hub)
        self.keeper: Disk | Server = Disk(hub) if kind == EMBEDDED else Server(hub)
        self.machines = ["m0"] if kind == EMBEDDED else ["m0", "m1", "m2"]
        self.skews_ms = {machine: rng.choice((0, 0, -150, 150)) for machine in self.machines}
        self.machines_down: set[str] = set()
        self.shards = 2 if kind == EMBEDDED else rng.choice((2, 2, 2, 2, 3, 4))
        self.shard_settings: dict[str, Any] = {"checkpoint_turns": rng.choice((4, 9, 2_000))}
        if rng.random() < 0.3:
            self.shard_settings |= {"resident_bytes": 6_000, "hot_profiles": 1}
        self.world = Process(hub, "world", OUTSIDE)
        hub.open_store = self.store
        self._hosts: dict[int, list[ShardHost]] = {shard: [] for shard in range(self.shards)}
        self._coordinators: list[CoordinatorHost] = []
        #: Machines of which Ray says that they leave, and those that are there at all.
        self.draining: set[str] = set()
        self.joined = self.machines[: rng.choice((2, 3))] if kind == SHARED else self.machines
        #: Why processes ended that had no reason to.
        self.surprises: list[str] = []
        self.start_coordinator(self.machines[0])
        self.gateways = [Gateway(self, number, self.machines[-1 - number % len(self.machines)]) for number in range(2)]

    def process(self, name: str, machine: str) -> Process:
        return Process(self.hub, name, machine, self.skews_ms.get(machine, 0))

    def store(self, process: Process) -> SimulatedStore:
        return SimulatedStore(self.keeper, process, shards_may_move=self.kind == SHARED)

    def later(self, ms: float, work: Callable[[], Any]) -> None:
        self.world.call_later(ms / 1_000, work)

    def start_shard(self, shard: int, incarnation: int, machine: str, *, standby: bool) -> None:
        if all(host.incarnation != incarnation for host in self._hosts[shard]):
            self._hosts[shard].append(ShardHost(self, shard, incarnation, machine, standby=standby))

    def incarnations(self, shard: int) -> list[ShardHost]:
        """As the directory lists them: the newest first."""
        return [host for host in reversed(self._hosts[shard]) if not host.is_over]

    def serving(self, shard: int) -> ShardHost | None:
        """The newest that serves."""
        return next((h for h in self.incarnations(shard) if h.process.is_alive and h.actor._is_serving), None)

    def sees_directory(self, process: Process) -> bool:
        """It is on the side of the clients and of the head."""
        return self.network.reaches(process, self.world)

    def newest(self, shard: int) -> ShardHost | None:
        return next(iter(self.incarnations(shard)), None)

    def start_coordinator(self, machine: str) -> None:
        self._coordinators.append(CoordinatorHost(self, machine))

    def coordinator_for(self, process: Process) -> CoordinatorHost:
        """The newest that can be reached from there."""
        reached = [one for one in self._coordinators if self.network.reaches(process, one.process)]
        return reached[-1] if reached else self._coordinators[-1]

    @property
    def coordinators(self) -> list[CoordinatorHost]:
        return self._coordinators

    @property
    def hosts(self) -> list[ShardHost]:
        return [host for hosts in self._hosts.values() for host in hosts]

    def everything_on(self, machine: str) -> list[Process]:
        processes = [process for host in self.hosts for process in host.processes]
        processes += [one.process for one in [*self._coordinators, *self.gateways]]
        return [process for process in processes if process.machine == machine and process.is_alive]

    def live_machines(self) -> list[str]:
        """As Ray sees them, the head first."""
        return [m for m in self.joined if m not in self.machines_down and m not in self.network.isolated]
