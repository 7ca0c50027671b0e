"""A cluster of N equal machines as queues: closed-loop clients, gateways, links, shards, one store, one coordinator.

Every process is one thread that needs a core of its machine; calls cross a network with a delay drawn for each; a
gateway keeps at most two calls in flight to each shard and batches what waits, a shard takes all that waits as its
next turn, and the store commits rows that arrive while it waits for the disk together. Deterministic for a seed.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from loadtests.scale_out.measured import ServiceTimes
from models import limits

#: Of a data centre: the median of a one-way trip, and how its logarithm spreads.
NETWORK_US: Final = 120.0
NETWORK_SIGMA: Final = 0.4
CORES: Final = 2
CLIENTS: Final = 64
SHARDS: Final = 1
TURN_MAX: Final = 256
REPORT_EVERY_US: Final = 1e6


class Clock:
    """Events in the order of their times."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def after(self, delay: float, what: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (self.now + delay, self._number, what))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, what = heapq.heappop(self._events)
            what()


class Machine:
    """Cores that its processes share, first come, first served."""

    def __init__(self, clock: Clock, cores: int) -> None:
        self._clock = clock
        self._free = self.cores = cores
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self.busy = 0.0

    def work(self, spent: float, done: Callable[[], None]) -> None:
        self._waiting.append((spent, done))
        self._next()

    def _next(self) -> None:
        if self._free and self._waiting:
            self._free -= 1
            spent, done = self._waiting.popleft()
            self.busy += spent

            def finished() -> None:
                self._free += 1
                done()
                self._next()

            self._clock.after(spent, finished)


class Process:
    """One thread: its jobs one after the other, each on a core of its machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._jobs: deque[tuple[float, Callable[[], None]]] = deque()
        self._working = False
        self.busy = 0.0

    def work(self, spent: float, done: Callable[[], None]) -> None:
        self._jobs.append((spent, done))
        self._next()

    def _next(self) -> None:
        if self._working or not self._jobs:
            return
        self._working = True
        spent, done = self._jobs.popleft()
        self.busy += spent

        def finished() -> None:
            self._working = False
            done()
            self._next()

        self._machine.work(spent, finished)


@dataclass(slots=True)
class Shape:
    """What is simulated, beside the service times."""

    nodes: int
    #: Cores of the machine on which the store runs.
    store_cores: int = 16
    seconds: float = 1.0
    warm_up_s: float = 0.3
    seed: int = 1


@dataclass(slots=True)
class Outcome:
    nodes: int
    per_s: float
    p50_ms: float
    p99_ms: float
    #: Decisions in a turn, commands in a call.
    turn: float
    call: float
    #: Share of its capacity that each kind of server used, the busiest of its kind.
    busy: dict[str, float] = field(default_factory=dict)


class _Shard:
    def __init__(self, town: Town, machine: Machine) -> None:
        self.town = town
        self.process = Process(machine)
        self.queue: deque[tuple[list[float], Callable[[], None]]] = deque()
        self.turning = False

    def take(self, call: list[float], answer: Callable[[], None]) -> None:
        """A call has arrived."""
        self.process.work(self.town.times.call_us, lambda: self._queued(call, answer))

    def _queued(self, call: list[float], answer: Callable[[], None]) -> None:
        self.queue.append((call, answer))
        self._turn()

    def _turn(self) -> None:
        if self.turning or not self.queue:
            return
        self.turning = True
        calls, size = [], 0
        while self.queue and size < TURN_MAX:
            calls.append(self.queue.popleft())
            size += len(calls[-1][0])
        town, times = self.town, self.town.times
        town.turns += 1
        town.turned += size

        def committed() -> None:
            self.turning = False
            for _, answer in calls:
                answer()
            self._turn()

        self.process.work(
            times.turn_us + times.decision_us * size,
            lambda: town.store.append(size * times.decision_bytes, committed),
        )


class _Store:
    """Appends cost CPU; what waits for the disk while it is busy goes with its next wait."""

    def __init__(self, town: Town, cores: int) -> None:
        self.town = town
        self.machine = Machine(town.clock, cores)
        self._waiting: list[Callable[[], None]] = []
        self._syncing = False

    def append(self, size: float, done: Callable[[], None]) -> None:
        times = self.town.times
        spent = times.append_us + times.append_byte_us * size
        self.town.travel(lambda: self.machine.work(spent, lambda: self._wait(lambda: self.town.travel(done))))

    def _wait(self, done: Callable[[], None]) -> None:
        self._waiting.append(done)
        if not self._syncing:
            self._sync()

    def _sync(self) -> None:
        self._syncing = True
        batch, self._waiting = self._waiting, []

        def synced() -> None:
            self._syncing = False
            for done in batch:
                done()
            if self._waiting:
                self._sync()

        self.town.clock.after(self.town.times.append_wait_us, synced)


class _Gateway:
    def __init__(self, town: Town, machine: Machine) -> None:
        self.town = town
        self.process = Process(machine)
        self.lanes: dict[int, deque[float]] = {}
        #: Shard -> calls on their way, two at most.
        self.flying: Counter[int] = Counter()

    def ask(self, shard: int, began: float) -> None:
        def parsed() -> None:
            self.lanes.setdefault(shard, deque()).append(began)
            self._fly(shard)

        self.process.work(self.town.times.request_us, parsed)

    def _fly(self, shard: int) -> None:
        lane, flying = self.lanes[shard], self.flying[shard]
        if not lane or flying >= 2 or (flying and len(lane) < limits.GATEWAY_SECOND_CALL_COMMANDS_MIN):
            return
        self.flying[shard] += 1
        call = [lane.popleft() for _ in range(min(len(lane), TURN_MAX))]
        town = self.town
        town.calls += 1
        town.called += len(call)

        def answered() -> None:
            self.flying[shard] -= 1
            for began in call:
                town.answered(began, self)
            self._fly(shard)

        def answer() -> None:
            town.travel(lambda: self.process.work(town.times.call_us, answered))

        self.process.work(
            town.times.call_us, lambda: town.travel(lambda: town.shards[shard].take(call, answer)),
        )


class Town:
    def __init__(self, times: ServiceTimes, shape: Shape) -> None:
        self.times = times
        self.shape = shape
        self.clock = Clock()
        self.rng = random.Random(shape.seed)
        self.turns = self.turned = self.calls = self.called = 0
        self.latencies: list[float] = []
        self.machines = [Machine(self.clock, CORES) for _ in range(shape.nodes)]
        self.shards = [_Shard(self, machine) for machine in self.machines for _ in range(SHARDS)]
        self.gateways = [_Gateway(self, machine) for machine in self.machines]
        self.store = _Store(self, shape.store_cores)
        self.coordinator = Process(self.machines[0])

    def travel(self, arrived: Callable[[], None]) -> None:
        self.clock.after(NETWORK_US * math.exp(self.rng.gauss(0.0, NETWORK_SIGMA)), arrived)

    def answered(self, began: float, gateway: _Gateway) -> None:
        """A client has its answer, and asks again at once."""
        if began >= self.shape.warm_up_s * 1e6:
            self.latencies.append(self.clock.now - began)
        self._ask(gateway)

    def _ask(self, gateway: _Gateway) -> None:
        shard, began = self.rng.randrange(len(self.shards)), self.clock.now
        self.travel(lambda: gateway.ask(shard, began))

    def _report(self) -> None:
        """A shard's report, for ever."""
        self.coordinator.work(self.times.report_us, lambda: None)
        self.clock.after(REPORT_EVERY_US, self._report)

    def run(self) -> Outcome:
        for gateway in self.gateways:
            for _ in range(CLIENTS):
                self._ask(gateway)
        for _ in self.shards:
            self.clock.after(self.rng.random() * REPORT_EVERY_US, self._report)
        measured_us = self.shape.seconds * 1e6
        self.clock.run(self.shape.warm_up_s * 1e6 + measured_us)
        elapsed = self.clock.now
        ordered = sorted(self.latencies)
        return Outcome(
            self.shape.nodes, len(ordered) / self.shape.seconds, ordered[len(ordered) // 2] / 1e3,
            ordered[int(len(ordered) * 0.99)] / 1e3, self.turned / self.turns, self.called / self.calls,
            {
                "cores of a machine": max(one.busy / (elapsed * one.cores) for one in self.machines),
                "a gateway's thread": max(one.process.busy / elapsed for one in self.gateways),
                "a shard's thread": max(one.process.busy / elapsed for one in self.shards),
                "the store's cores": self.store.machine.busy / (elapsed * self.store.machine.cores),
                "the coordinator's thread": self.coordinator.busy / elapsed,
            },
        )
