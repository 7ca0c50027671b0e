"""The shared store: a server that makes each statement true at one instant, reached over connections that break.

A statement whose reply was lost may have been executed or not. The client then does what ``actors.postgresql`` does:
connects again and repeats the same statement, with the same batch id, until the store has been away for too long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from models import limits
from models.errors import JournalFailed, StoreAway
from simulated_cluster.hub import Hub, Process, meet, wait
from simulated_cluster.journal import Change
from simulated_cluster.tables import Tables

T = TypeVar("T")
#: Between two attempts to connect.
_RETRY_MS = 400.0


class Server:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._tables: dict[str, Tables] = {}
        self.away_until = 0.0
        #: Machines that cannot reach it.
        self.cut_off: set[str] = set()
        #: How likely a reply is lost on its way.
        self.loss = 0.0
        #: What happens when a shard next stands before, in or after a change: (which, what).
        self.trap: tuple[str, Callable[[Process], None]] | None = None

    def open(self, name: str, process: Process) -> ServerPlace:
        self.tables(name)
        return ServerPlace(self, name, process)

    def tables(self, name: str) -> Tables:
        return self._tables.setdefault(name, Tables())

    def is_away(self, machine: str) -> bool:
        return self.hub.now < self.away_until or machine in self.cut_off


class ServerPlace:
    is_remote = True

    def __init__(self, server: Server, name: str, process: Process) -> None:
        self._server, self._name, self._process = server, name, process
        self._is_connected = False
        self._executed = 0

    def change(self, work: Change[T], *, soon: bool = False) -> T:
        tables = self._server.tables(self._name)

        def execute() -> tuple[T, bool]:
            operations, result = work(tables)
            tables.apply(operations)
            return result, bool(operations)

        return self._call(execute)

    def look(self, work: Callable[[Tables], T]) -> T:
        return self._call(lambda: (work(self._server.tables(self._name)), False), is_look=True)

    def _call(self, execute: Callable[[], tuple[T, bool]], *, is_look: bool = False) -> T:
        """What is only looked at may be old by the time it arrives; when the question was sent is seen by nobody."""
        hub, server = self._server.hub, self._server
        until = hub.now + limits.STORE_AWAY_MS_MAX
        while True:
            if not is_look:
                self._travel()
                self._meet("before")
            if not server.is_away(self._process.machine):
                self._is_connected = True
                result, has_changed = execute()
                if not is_look:
                    self._meet("written")
                self._travel()
                if not is_look:
                    self._meet("done")
                if hub.rng.random() >= server.loss and not server.is_away(self._process.machine):
                    return result
                if has_changed:
                    hub.note("unknown commit", owner=self._name)
            if hub.now >= until or not wait(self._process, _RETRY_MS):
                hub.note("store given up", owner=self._name)
                if self._is_connected:
                    raise JournalFailed("the store cannot be reached")
                raise StoreAway("the store cannot be reached")

    def _meet(self, stage: str) -> None:
        meet(self._server, stage, self._process)

    def _travel(self) -> None:
        """There or back."""
        wait(self._process, 0.1 + self._server.hub.rng.random())

    def close(self) -> None:
        """The connection ends."""

