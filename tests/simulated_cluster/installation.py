"""The store as the product sees it: the journals and keyrings of one installation, from one process."""

from __future__ import annotations

from typing import Any, Protocol

from simulation.shard import SECRET

from actors.journal.interface import Journal
from actors.journal.keyring import Keyring
from actors.shard.store import ShardStore
from simulated_cluster.hub import Process
from simulated_cluster.journal import Place, SimulatedJournal, SimulatedKeyTable
from simulated_cluster.tables import Tables


class Keeper(Protocol):
    """A disk or a server."""

    def open(self, name: str, process: Process) -> Place: ...

    def tables(self, name: str) -> Tables: ...


class SimulatedStore:
    """``actors.stores.interface.Store`` for one process."""

    place = "simulated"

    def __init__(self, keeper: Keeper, process: Process, *, shards_may_move: bool) -> None:
        self._keeper, self._process = keeper, process
        self.shards_may_move = shards_may_move
        self.kind = "postgresql" if shards_may_move else "sqlite"

    def secret(self) -> bytes:
        return SECRET

    def journal(self, owner: str) -> Journal:
        return SimulatedJournal(self._keeper.open(owner, self._process))

    def shard_store(self, shard: int) -> ShardStore:
        owner = f"shard-{shard}"
        journal = SimulatedJournal(self._keeper.open(owner, self._process))
        place = self._keeper.open(keys_of(owner, self.shards_may_move), self._process)
        table = SimulatedKeyTable(place, journal if self.shards_may_move else None)
        return ShardStore(journal, Keyring(table, owner, BareMaster()))

    def has_journal(self, owner: str) -> bool:
        return True

    def close(self) -> None:
        """It holds nothing itself."""


class BareMaster:
    """A master key that wraps nothing: the wrapping keys lie as they are."""

    def read(self) -> BareMaster:
        return self

    def wrap(self, key: bytes, _: bytes) -> bytes:
        return key

    def unwrap(self, wrapped: bytes, *_: Any) -> bytes:
        return wrapped


def keys_of(owner: str, shared: bool) -> str:
    """Under which name the keys lie: a file of their own, or beside the journal."""
    return owner if shared else f"keys of {owner}"
