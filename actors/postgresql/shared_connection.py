"""One connection for small tables that are read now and then, from any thread: made when wanted, anew when lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from actors.postgresql.connection import Connection, Lost, connect, place, translated
from actors.postgresql.schema import ensure_schema
from models.errors import StoreAway

T = TypeVar("T")


class SharedConnection:
    """``url`` may lack its password (see ``connection``); ``purpose`` names the connection to the server."""

    def __init__(self, url: str, purpose: str) -> None:
        self._url = url
        self._where = place(url)
        self._purpose = purpose
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` returns; done twice when the connection was lost since it was used last. Raises ``StoreAway``
        and ``JournalFailed``."""
        with self._lock:
            try:
                return self._do(work)
            except Lost:
                self._drop()
            try:
                return self._do(work)
            except Lost as error:
                self._drop()
                raise StoreAway(f"{self._where}: {error}") from error

    def write(self, work: Callable[[Connection], T]) -> T:
        """The same in one transaction, and never done twice: after ``StoreAway`` it may have been done."""
        self.read(lambda connection: connection.execute("SELECT 1").fetchone())
        with self._lock:
            try:
                return self._do(lambda connection: _in_transaction(connection, work))
            except Lost as error:
                self._drop()
                raise StoreAway(f"{self._where}: {error}; it may have been done, look before you repeat it") from error

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _do(self, work: Callable[[Connection], T]) -> T:
        if self._connection is None or self._connection.closed:
            connection = connect(self._url, self._purpose)
            try:
                ensure_schema(connection, self._where)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        with translated(self._where):
            return work(self._connection)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _in_transaction(connection: Connection, work: Callable[[Connection], T]) -> T:
    with connection.transaction():
        return work(connection)
