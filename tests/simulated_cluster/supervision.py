"""The product's own supervisor over the simulated cluster: it looks, plans, makes, moves and ends, and may die between
any two of its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cluster.supervision.moving import Gone, Mover, Silent
from cluster.supervision.nodes import LiveNode
from cluster.supervision.placement import Incarnation, State
from cluster.supervision.supervisor import Supervisor
from models.canonical import unpack
from simulated_cluster.cluster import OUTSIDE, SHARED, Cluster
from simulated_cluster.hosts import CoordinatorHost, ShardHost
from simulated_cluster.hub import Process, block, wait

_INTERVAL_MS: Final = 700.0
_STATUS_MS: Final = 300.0
#: A silent shard is given up sooner than in earnest: a seed is short.
_LOST_MS: Final = 900.0


class _Work:
    def __init__(self) -> None:
        self.is_done = False

    def done(self) -> bool:
        return self.is_done


class _Pool:
    """Of threads for moves; a move that is under way dies with the process."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def submit(self, work: Callable[[], None]) -> _Work:
        under_way = _Work()

        def tell(_: Any, error: BaseException | None) -> None:
            under_way.is_done = True
            if error is not None:
                raise error

        self._process.worker(under_way).do(work, (), tell)
        return under_way


class SimulatedActors:
    """``cluster.supervision.supervisor.LiveActors`` for one supervisor's process; blocks in its threads."""

    restarts = 0

    def __init__(self, cluster: Cluster, process: Process) -> None:
        self._cluster, self._process = cluster, process
        self.shards = cluster.shards

    def numbers(self, shard: int) -> list[int]:
        return [host.incarnation for host in self._cluster.incarnations(shard)]

    def stored(self, shard: int) -> int:
        return self._cluster.keeper.tables(f"shard-{shard}").incarnation

    def make(self, shard: int, incarnation: int, node: str, standby: bool) -> None:
        made = "standby made" if standby else "incarnation made"
        self._cluster.hub.note(made, shard=f"{shard}.{incarnation}", on=node)
        self._cluster.start_shard(shard, incarnation, node, standby=standby)

    def call(self, shard: int, incarnation: int, method: str, wait_s: float) -> bytes:
        host = self._host(shard, incarnation)
        if host is None:
            raise Gone(f"no incarnation {incarnation} of shard {shard}")
        process, actor = host.process, host.actor
        called = self._cluster.network.call(self._process, process, lambda: getattr(actor, method)())
        if not block(self._process, called, 1_000 * wait_s):
            raise Silent(f"{method} took too long")
        try:
            answer: bytes = called.result()
        except Exception as error:
            raise Silent(f"{method}: {error}") from error
        if method != "status":
            self._cluster.hub.note(f"asked to {method}", shard=f"{shard}.{incarnation}")
        return answer

    def end(self, shard: int, incarnation: int) -> None:
        host = self._host(shard, incarnation)
        if host is not None:
            self._cluster.hub.note("incarnation ended", shard=f"{shard}.{incarnation}")
            host.end()

    def survey(self) -> dict[int, list[Incarnation]]:
        return {
            shard: [self._seen(host) for host in self._cluster.incarnations(shard)] for shard in range(self.shards)
        }

    def _seen(self, host: ShardHost) -> Incarnation:
        process, actor = host.process, host.actor
        asked = self._cluster.network.call(self._process, process, actor.status)
        state = State.SILENT
        if block(self._process, asked, _STATUS_MS) and asked.exception() is None:
            state, host.heard = State(unpack(asked.result())["state"]), self._cluster.hub.now
        elif self._cluster.kind == SHARED and self._cluster.hub.now - host.heard > _LOST_MS and process.is_alive:
            self._cluster.hub.note("taken for lost")
            state = State.LOST
        return Incarnation(host.incarnation, host.machine, state)

    def _host(self, shard: int, incarnation: int) -> ShardHost | None:
        found = [host for host in self._cluster.incarnations(shard) if host.incarnation == incarnation]
        return found[0] if found else None

    def coordinator(self) -> CoordinatorHost:
        return self._cluster.coordinators[-1]

    def coordinator_node(self) -> str:
        return self._cluster.coordinators[-1].machine

    def coordinator_is_lost(self) -> bool:
        host, now = self._cluster.coordinators[-1], self._cluster.hub.now
        is_heard = self._cluster.network.reaches(self._process, host.process) and host.process.halted_until <= now
        if is_heard or not host.process.is_alive:
            host.heard = now
        is_lost = now - host.heard > _LOST_MS
        if is_lost:
            self._cluster.hub.note("coordinator lost")
        return is_lost

    def make_coordinator(self, node: str) -> None:
        self._cluster.start_coordinator(node)

    def move_coordinator(self, node: str) -> None:
        self._cluster.hub.note("coordinator moved")
        self._cluster.coordinators[-1].end()
        self._cluster.start_coordinator(node)


class SupervisorHost:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.starts = 0
        self.start()

    def start(self) -> None:
        self.starts += 1
        cluster = self._cluster
        self.process = process = cluster.process(f"supervisor/{self.starts}", OUTSIDE)
        process.at_death(lambda: cluster.later(600, self.start))
        actors = SimulatedActors(cluster, process)
        only_node = None if cluster.kind == SHARED else cluster.machines[0]
        self._supervisor = Supervisor(actors, self._nodes, only_node=only_node)
        # Its threads are simulated ones, and so is the time for which they wait.
        self._supervisor._pool = _Pool(process)
        self._supervisor._mover = Mover(
            actors, wait=lambda s: wait(process, 1_000 * s), clock=lambda: cluster.hub.now / 1_000
        )
        self._look()

    def _nodes(self) -> list[LiveNode]:
        machines = self._cluster.live_machines()
        return [
            LiveNode(machine, machine, machine, machine == machines[0], 1.0, machine in self._cluster.draining, 0)
            for machine in machines
        ]

    def _look(self) -> None:
        """As ``Supervisor.run`` does, for ever."""
        self.process.worker("look").do(
            self._supervisor.look, (), lambda *_: self.process.call_later(_INTERVAL_MS / 1_000, self._look)
        )

