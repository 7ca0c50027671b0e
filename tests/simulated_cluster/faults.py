"""What goes wrong, when, and how it heals: kills, halts, partitions, lost machines, an absent store, failing disks,
moves that are begun and not always ended."""

from __future__ import annotations

from collections.abc import Callable

from simulated_cluster.cluster import SHARED, Cluster
from simulated_cluster.disk import Disk
from simulated_cluster.hub import Process
from simulated_cluster.server import Server
from simulated_cluster.supervision import SupervisorHost


class Faults:
    def __init__(self, cluster: Cluster, supervisor: SupervisorHost) -> None:
        self._cluster, self._supervisor, self._rng = cluster, supervisor, cluster.hub.rng
        self._healed = False
        kinds: list[tuple[int, Callable[[], None]]] = [
            (4, self._kill_shard), (3, self._kill_in_commit), (2, self._kill_coordinator), (1, self._kill_gateway),
            (2, self._halt_shard), (2, self._pass_time),
        ]
        if cluster.kind == SHARED:
            kinds += [
                (4, self._halt_long), (4, self._isolate), (2, self._store_away), (2, self._replace_coordinator),
                (2, self._lose_machine), (1, self._store_away_in_commit), (5, self._drain), (2, self._halt_in_commit),
                (2, self._kill_supervisor), (3, self._another_machine_joins),
            ]
        else:
            kinds += [(4, self._lose_power), (3, self._power_off_in_commit), (3, self._disk_full), (2, self._fsync)]
        self._kinds = kinds
        cluster.network.loss = self._rng.choice((0.0, 0.0, 0.02, 0.08))
        cluster.network.repeats = self._rng.choice((0.0, 0.1))
        if isinstance(cluster.keeper, Server):
            cluster.keeper.loss = self._rng.choice((0.0, 0.05))
        for _ in range(self._rng.randint(1, 5)):
            cluster.later(50 + self._rng.random() * 1_300, self._strike)

    def _strike(self) -> None:
        if not self._healed:
            (kind,) = self._rng.choices([k for _, k in self._kinds], [weight for weight, _ in self._kinds])
            self._cluster.hub.note("fault " + kind.__name__[1:].replace("_", " "))
            kind()

    def heal(self) -> None:
        """Nothing fails any more, and what was lost is started again."""
        cluster, self._healed = self._cluster, True
        cluster.hub.tell("healed")
        cluster.network.loss = cluster.network.repeats = 0.0
        cluster.network.isolated.clear()
        cluster.draining.clear()
        keeper = cluster.keeper
        keeper.trap = None
        if isinstance(keeper, Server):
            keeper.loss, keeper.away_until = 0.0, 0.0
            keeper.cut_off.clear()
        else:
            keeper.full_until, keeper.fsync_fails = 0.0, 0
        for machine in list(cluster.machines_down):
            self._bring_back(machine)

    def _shard(self) -> Process:
        """One that somebody may take for the owner."""
        return self._rng.choice([
            host.process for shard in range(self._cluster.shards) for host in self._cluster.incarnations(shard)
        ] or [self._supervisor.process])

    def _kill_shard(self) -> None:
        self._shard().kill("killed")

    def _trap(self, action: Callable[[Process], None]) -> None:
        """When a shard next stands in the middle of a commit, before or after it counts."""
        self._cluster.keeper.trap = (self._rng.choice(("before", "written", "done")), action)

    def _kill_in_commit(self) -> None:
        self._trap(lambda process: process.kill("killed in mid-commit"))

    def _kill_coordinator(self) -> None:
        self._cluster.coordinators[-1].process.kill("killed")

    def _kill_gateway(self) -> None:
        self._rng.choice(self._cluster.gateways).process.kill("killed")

    def _halt_shard(self) -> None:
        self._shard().halt(self._rng.choice((50, 400, 1_500)))

    def _pass_time(self) -> None:
        self._cluster.hub.jumped_ms += self._rng.choice((60_000, 900_000, 3_600_000, 10_800_000))

    def _other_machine(self, machine: str) -> str:
        left = [other for other in self._cluster.live_machines() if other != machine]
        return self._rng.choice(left or [machine])

    def _halt_long(self) -> None:
        """Taken for dead while it only stands still: it goes on later, as a zombie."""
        self._cluster.hub.note("zombie")
        self._shard().halt(1_500 + self._rng.random() * 2_000)

    def _halt_in_commit(self) -> None:
        self._trap(lambda process: process.halt(1_500 + self._rng.random() * 2_500))

    def _kill_supervisor(self) -> None:
        self._supervisor.process.kill("killed")

    def _drain(self) -> None:
        """Ray announces that a machine leaves; later it takes that back."""
        machine = self._rng.choice(self._cluster.joined)
        self._cluster.draining = {machine}
        self._cluster.later(1_000 + self._rng.random() * 3_000, self._cluster.draining.clear)

    def _another_machine_joins(self) -> None:
        self._cluster.joined = self._cluster.machines

    def _isolate(self) -> None:
        """A machine is cut off from the others, perhaps from the store too: after a while Ray takes it for lost and
        starts its actors elsewhere, while they live on. The head is on the side of the clients."""
        cluster, machine = self._cluster, self._rng.choice(self._cluster.joined[1:])
        keeper = cluster.keeper
        assert isinstance(keeper, Server)
        if cluster.machines_down or cluster.network.isolated:
            return
        cluster.network.isolated = {machine}
        if self._rng.random() < 0.5:
            keeper.cut_off = {machine}
        cluster.later(self._rng.random() * 800, lambda: self._take_for_lost(machine))

        def rejoin() -> None:
            cluster.network.isolated.clear()
            keeper.cut_off.clear()
            for process in zombies:
                cluster.later(self._rng.random() * 2_000, lambda one=process: one.kill("its machine was given up"))

        zombies = cluster.everything_on(machine)
        cluster.later(1_000 + self._rng.random() * 2_500, rejoin)

    def _take_for_lost(self, machine: str) -> None:
        """Ray starts the actors of a machine elsewhere, under the names that they had."""
        cluster = self._cluster
        for host in [host for host in cluster.hosts if host.machine == machine and not host.is_over]:
            if host.process.is_alive:
                cluster.hub.note("zombie")
            cluster.hub.note("started elsewhere")
            host.start_elsewhere(self._other_machine(machine))
        if cluster.coordinators[-1].machine == machine:
            cluster.start_coordinator(self._other_machine(machine))

    def _store_away(self) -> None:
        keeper = self._cluster.keeper
        assert isinstance(keeper, Server)
        keeper.away_until = self._cluster.hub.now + self._rng.choice((100, 1_000, 35_000))

    def _store_away_in_commit(self) -> None:
        self._trap(lambda _: self._store_away())

    def _replace_coordinator(self) -> None:
        """Another one is started beside it, which fences it."""
        cluster = self._cluster
        cluster.start_coordinator(self._other_machine(cluster.coordinators[-1].machine))

    def _lose_machine(self) -> None:
        cluster, machine = self._cluster, self._rng.choice(self._cluster.joined)
        if cluster.machines_down or cluster.network.isolated:
            return
        cluster.machines_down.add(machine)
        for process in cluster.everything_on(machine):
            process.kill("machine lost")
        cluster.later(self._rng.random() * 1_000, lambda: self._take_for_lost(machine))
        cluster.later(1_500 + self._rng.random() * 2_000, lambda: self._bring_back(machine))

    def _bring_back(self, machine: str) -> None:
        cluster = self._cluster
        if machine not in cluster.machines_down:
            return
        cluster.machines_down.discard(machine)
        for host in cluster.hosts:
            if host.machine == machine and not host.is_over and not host.process.is_alive:
                host.start()
        for coordinator in cluster.coordinators[-1:]:
            if coordinator.machine == machine and not coordinator.process.is_alive:
                coordinator.start()

    def _lose_power(self) -> None:
        cluster = self._cluster
        if cluster.machines_down:
            return
        assert isinstance(cluster.keeper, Disk)
        cluster.machines_down.add("m0")
        for process in cluster.everything_on("m0"):
            process.kill("power lost")
        cluster.keeper.lose_power()
        cluster.later(300 + self._rng.random() * 500, lambda: self._bring_back("m0"))

    def _power_off_in_commit(self) -> None:
        self._trap(lambda _: self._lose_power())

    def _disk_full(self) -> None:
        assert isinstance(self._cluster.keeper, Disk)
        self._cluster.keeper.full_until = self._cluster.hub.now + self._rng.choice((100, 800))

    def _fsync(self) -> None:
        assert isinstance(self._cluster.keeper, Disk)
        self._cluster.keeper.fsync_fails = 1
