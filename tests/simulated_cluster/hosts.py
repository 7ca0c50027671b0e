"""The processes of the cluster, each running the product's own code: shards, the coordinator, gateways."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from actors.coordination.record import CoordinatorRecord
from actors.coordination.service import CoordinatorService
from actors.gateway.batching import Lane, Replies, ShardGone
from actors.profile_shard import ProfileShard
from actors.scoring.interface import Wanted
from models import ids, limits
from models.canonical import pack, unpack
from models.coordination.core import CoordinatorCore
from models.coordination.messages import Report
from models.errors import DiskFull, Fenced, JournalFailed, NotServing, StoreAway
from models.turn.commands import Command
from simulated_cluster.hub import Process
from simulated_cluster.network import GoneError
from simulated_cluster.surroundings import compiled_once

if TYPE_CHECKING:
    from simulated_cluster.cluster import Cluster


class EndedError(BaseException):
    """The process left: nothing after this line of it runs."""


class SimulatedScorer:
    """Scores are a hash of the row. Sometimes late, sometimes not there."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def find(self, _wanted: Wanted = ()) -> None:
        """There is always one to be found."""

    async def ping(self) -> None:
        if self._process.hub.rng.random() < 0.1:
            await self._process.pause(2 * limits.SCORER_WAIT_MS_MAX)

    async def predict(self, _: str, matrix: Any) -> Any:
        await self.ping()
        digests = [hashlib.blake2b(row.tobytes(), digest_size=2).digest() for row in matrix]
        return np.array([int.from_bytes(digest, "big") / 65_536 for digest in digests], np.float32)

    async def contributions(self, _: str, matrix: Any) -> Any:
        return np.pad(np.nan_to_num(matrix), ((0, 0), (0, 1)))


class ShardHost:
    """One incarnation of a shard: the actor, which Ray starts again when it dies, or elsewhere."""

    def __init__(self, cluster: Cluster, shard: int, incarnation: int, machine: str, *, standby: bool = False) -> None:
        self._cluster, self.shard, self.incarnation, self.machine = cluster, shard, incarnation, machine
        self._standby = standby
        #: No more processes of this incarnation are wanted.
        self.is_over = False
        #: When it last told its state, by the supervisor's look.
        self.heard = cluster.hub.now
        self.processes: list[Process] = []
        self.start()

    def start(self) -> None:
        if self.is_over:
            return
        cluster = self._cluster
        process = cluster.process(f"shard-{self.shard}.{self.incarnation}/{len(self.processes) + 1}", self.machine)
        self.processes.append(process)
        process.at_death(lambda: self._died(process))
        settings = {
            "shard": self.shard, "shards": cluster.shards, "data_dir": "/dev/null/nowhere", "link_host": None,
            "incarnation": self.incarnation, "standby": self._standby, **cluster.shard_settings,
        }
        self.actor = process.within(lambda: self._make(process, settings))

    @property
    def process(self) -> Process:
        """The newest; an older one may still live on a machine that is cut off."""
        return self.processes[-1]

    def _make(self, process: Process, settings: dict[str, Any]) -> ProfileShard:
        async def sync(report: bytes) -> bytes:
            coordinator = self._cluster.coordinator_for(process)
            answer: bytes = await self._cluster.network.call(
                process, coordinator.process, lambda: coordinator.sync(report)
            )
            return answer

        def die(reason: str) -> NoReturn:
            if reason.startswith(Fenced.__name__) or "is fenced" in reason:
                self._cluster.hub.note("fenced")
            elif not reason.startswith((JournalFailed.__name__, StoreAway.__name__, DiskFull.__name__)):
                self._cluster.surprises.append(f"{process.name}: {reason}")
            process.kill(reason[:60])
            raise EndedError(reason)

        def retire(reason: str) -> None:
            self._cluster.hub.note("superseded")
            if process is self.process:
                self.is_over = True
            process.kill(reason[:60])

        return ProfileShard(
            settings, scorer=SimulatedScorer(process), call_coordinator=sync, die=die, retire=retire,
        )

    def _died(self, process: Process) -> None:
        if process is self.process and not self.is_over and self.machine not in self._cluster.machines_down:
            self._cluster.later(20 + self._cluster.hub.rng.random() * 300, self._restart)

    def _restart(self) -> None:
        if not self.process.is_alive and self.machine not in self._cluster.machines_down:
            self.start()

    def start_elsewhere(self, machine: str) -> None:
        """Its machine is taken for lost; what still runs there is not ended by that."""
        self.machine = machine
        self.start()

    def end(self) -> None:
        """As ``ray.kill`` without a restart; it does not reach a machine that is cut off."""
        self.is_over = True
        if self._cluster.network.reaches(self._cluster.world, self.process):
            self.process.kill("ended")

    async def state(self) -> Any:
        return unpack(await self.actor.status())


class CoordinatorHost:
    def __init__(self, cluster: Cluster, machine: str) -> None:
        self._cluster, self.machine = cluster, machine
        self.starts = 0
        self.is_over = False
        #: When it was last reached, by the supervisor's look.
        self.heard = cluster.hub.now
        self.start()

    def end(self) -> None:
        self.is_over = True
        self.process.kill("ended")

    def start(self) -> None:
        if self.is_over:
            return
        self.starts += 1
        self._service: CoordinatorService | None = None
        self.process = self._cluster.process(f"coordinator/{self.starts}", self.machine)
        self.process.at_death(self._died)
        self._pokes: dict[int, Any] = {}
        self.process.within(lambda: self.process.create_task(self._start()))

    def _died(self) -> None:
        if self.machine not in self._cluster.machines_down:
            self._cluster.later(20 + self._cluster.hub.rng.random() * 700, self._restart)

    def _restart(self) -> None:
        """Unless its machine was lost meanwhile, or came back with it: two would wait for one another's files."""
        if not self.process.is_alive and self.machine not in self._cluster.machines_down:
            self.start()

    async def _start(self) -> None:
        store = self._cluster.store(self.process)
        core = CoordinatorCore(self._cluster.shards, compiled_once)
        try:
            record = await self.process.run_in_executor("open", self._open, store)
            await self.process.run_in_executor(record._writer, record.recover, core)
        except Exception as error:
            self._leave(error)
        self._service = CoordinatorService(core, record, self, self._leave)

    def _open(self, store: Any) -> CoordinatorRecord:
        return CoordinatorRecord.open(store)

    def _leave(self, error: BaseException) -> NoReturn:
        if isinstance(error, Fenced):
            self._cluster.hub.note("coordinator fenced")
        self.process.kill(type(error).__name__)
        raise EndedError(repr(error))

    @property
    def service(self) -> CoordinatorService:
        if self._service is None:
            raise GoneError("the coordinator is starting")
        return self._service

    async def sync(self, report: bytes) -> bytes:
        instructions = await self.service.sync(Report.from_wire(unpack(report)))
        return pack(instructions.to_wire())

    async def setting(self, work: Callable[[CoordinatorService], Awaitable[Any]]) -> Any:
        return await work(self.service)

    def poke(self, shard: int) -> None:
        pending = self._pokes.get(shard)
        host = self._cluster.newest(shard)
        if host is not None and (pending is None or pending.done()):
            call = self._cluster.network.call(self.process, host.process, host.actor.poke)
            call.add_done_callback(lambda done: done.exception())
            self._pokes[shard] = call

    async def advance(self, shard: int, instructions: bytes) -> bool:
        raise AssertionError("the simulated cluster runs on wall clocks")


class Gateway:
    """The real lanes of a gateway in front of the shards it finds."""

    def __init__(self, cluster: Cluster, number: int, machine: str) -> None:
        self._cluster, self._number, self.machine = cluster, number, machine
        self.starts = 0
        self.start()

    def start(self) -> None:
        self.starts += 1
        self.process = self._cluster.process(f"gateway-{self._number}/{self.starts}", self.machine)
        self.process.at_death(lambda: self._cluster.later(500, self.start))
        self._found: dict[int, tuple[Process, ProfileShard]] = {}
        self._lanes = {shard: Lane(self._caller(shard), str(shard)) for shard in range(self._cluster.shards)}

    async def ask(self, command: Command, wait_ms: float) -> Replies:
        shard = ids.shard_of(command.customer, self._cluster.shards)
        return await self._lanes[shard].submit([command], wait_ms)

    def _caller(self, shard: int) -> Any:
        async def call(batch: bytes, _: bool) -> bytes:
            try:
                process, actor = self._found.get(shard) or await self._find(shard)
                answer: bytes = await self._cluster.network.call(
                    self.process, process, lambda: actor.handle(batch), is_link=True
                )
            except (GoneError, NotServing) as error:
                self._found.pop(shard, None)
                raise ShardGone(str(error)) from error
            return answer

        return call

    async def _find(self, shard: int) -> tuple[Process, ProfileShard]:
        """The newest incarnation that says that it serves, as ``actors.directory`` does."""
        for host in self._cluster.incarnations(shard) if self._cluster.sees_directory(self.process) else ():
            process, actor = host.process, host.actor
            try:
                told = unpack(await self._cluster.network.call(self.process, process, actor.status))
                if told["state"] in ("serving", "no_catalog"):
                    self._found[shard] = (process, actor)
                    return process, actor
            except GoneError:
                continue
        raise GoneError(f"shard {shard}: nobody serves")

