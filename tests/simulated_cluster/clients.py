"""Channel services: each sends one request after the other, under ids of its own, until it is answered."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from simulation.workload import Workload

from actors.gateway.problems import Refused
from models import canonical
from models.turn.commands import DECISION, TICK, Command, Reply
from simulated_cluster.cluster import OUTSIDE
from simulated_cluster.hub import Process
from simulated_cluster.network import GoneError

if TYPE_CHECKING:
    from simulated_cluster.cluster import Cluster


@dataclass(frozen=True)
class Answered:
    """One request with its final answer; ``sent`` and ``heard`` by the world's clock (ms)."""

    client: str
    command: Command
    reply: Reply
    sent: float
    heard: float
    attempts: int

    @property
    def body(self) -> Any:
        return canonical.unpack(self.reply.body)


class Client:
    def __init__(self, cluster: Cluster, number: int, requests: int, history: list[Answered]) -> None:
        self._cluster = cluster
        self._rng = random.Random(f"client {number} of {cluster.hub.rng.random()}")
        self._workload = Workload(self._rng, f"{number}-")
        self._history = history
        self._requests = requests
        self.process = Process(cluster.hub, f"client-{number}", OUTSIDE)
        self.is_done = False
        self._sent: list[Command] = []
        self.process.within(lambda: self.process.create_task(self._run()))

    async def _run(self) -> None:
        try:
            await self._ask_all()
        except Exception as error:
            self._cluster.surprises.append(f"{self.process.name}: {error!r}")
            raise

    async def _ask_all(self) -> None:
        for _ in range(self._requests):
            await self.process.pause(self._rng.random() * 300)
            await self._until_answered(self._command())
        self.is_done = True

    def _command(self) -> Command:
        if self._sent and self._rng.random() < 0.15:
            return self._rng.choice(self._sent)
        command = self._workload.command(self.process.hub.wall_ms)
        while command.kind == TICK:
            command = self._workload.command(self.process.hub.wall_ms)
        if command.kind == DECISION:
            command.body["min_state_version"] = None
        self._sent.append(command)
        return command

    async def _until_answered(self, command: Command) -> None:
        sent, attempts = self.process.hub.now, 0
        while True:
            attempts += 1
            reply = await self._attempt(command)
            if reply is not None and reply.status < 500:
                break
            await self.process.pause(50 + self._rng.random() * 400)
        heard = self.process.hub.now
        self._history.append(Answered(self.process.name, command, reply, sent, heard, attempts))
        self._workload.heard(command, reply)
        told = {"status": reply.status, "attempts": attempts, "body": reply.body.hex()}
        self.process.hub.tell("answered", kind=command.kind, **told)

    async def _attempt(self, command: Command) -> Reply | None:
        gateway = self._rng.choice(self._cluster.gateways)
        wait_ms = self._rng.choice((400, 1_000, 3_000))
        if command.kind == DECISION and self._rng.random() < 0.5:
            command = replace(command, deadline_ms=self.process.hub.wall_ms + wait_ms)
        try:
            replies = await self._cluster.network.call(
                self.process, gateway.process, lambda: gateway.ask(command, wait_ms)
            )
        except (GoneError, Refused) as error:
            self.process.hub.tell("not answered", kind=command.kind, error=error)
            return None
        reply: Reply = replies.replies[0]
        if reply.status >= 500:
            self.process.hub.tell("put off", kind=command.kind, why=canonical.unpack(reply.body)["detail"])
        return reply

