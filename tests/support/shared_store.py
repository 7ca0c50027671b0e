"""A store that several incarnations of a shard in one process share, as they share PostgreSQL: the same SQL and fence
as the embedded one, on one file with one connection and one lock."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actors.journal.keyring import Keyring
from actors.journal.sqlite import SqliteJournal
from actors.journal.sqlite_keys import SqliteKeyTable
from actors.naming import shard_owner
from actors.shard.store import ShardStore
from actors.stores.sqlite import SqliteStore
from models.errors import StoreAway
from support.stores import installed


class SharedFile:
    """``SqliteFile`` for many users: one at a time, and nobody closes it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._lock = threading.RLock()
        self.path = file.path

    @contextmanager
    def writing(self, *, soon: bool = False) -> Iterator[Any]:
        with self._lock, self._file.writing(soon=soon) as db:
            yield db

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            found: list[tuple[Any, ...]] = self._file.query(statement, values)
            return found

    def scan(self, statement: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        yield from self.query(statement, values)

    def empty_wal(self) -> None:
        with self._lock:
            self._file.empty_wal()

    def close(self) -> None:
        """It stays for the others."""

    def end(self) -> None:
        self._file.close()


class SharedStore(SqliteStore):
    shards_may_move = True

    def __init__(self, data_dir: Path) -> None:
        installed(data_dir)
        super().__init__(data_dir)
        #: Nobody can reach it now.
        self.is_away = False
        self._files: dict[str, tuple[SharedFile, SqliteKeyTable, SharedFile]] = {}

    def shard_store(self, shard: int) -> ShardStore:
        if self.is_away:
            raise StoreAway("the store is away")
        owner = shard_owner(shard)
        if owner not in self._files:
            log = SharedFile(self.journal(owner)._file)
            table = SqliteKeyTable(self.directory(owner))
            keys = SharedFile(table._file)
            table._file = keys  # type: ignore[assignment]
            self._files[owner] = log, table, keys
        file, table, _ = self._files[owner]
        journal = SqliteJournal(file)  # type: ignore[arg-type]
        journal.is_remote = True
        return ShardStore(journal, Keyring(table, owner, self.master))

    def close(self) -> None:
        for journal, _, keys in self._files.values():
            journal.end()
            keys.end()
