"""A connection that comes back: work that is lost with one is repeated on the next.

So whatever is given to ``run`` must be harmless when it has been done already, wholly or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import psycopg
import structlog

from actors.postgresql.connection import Connection, Lost, connect, place, translated
from models import limits
from models.errors import DiskFull, JournalFailed, StoreAway

log = structlog.get_logger(__name__)
_Result = TypeVar("_Result")
_IDLE: Final = psycopg.pq.TransactionStatus.IDLE


class Session:
    """Belongs to one thread at a time. ``on_return`` is called with each connection after the first, before it is
    used. ``patience_ms``: how long a lost connection is tried anew."""

    def __init__(self, url: str, application_name: str, *, patience_ms: int = limits.STORE_AWAY_MS_MAX) -> None:
        self.where = place(url)
        self.on_return: list[Callable[[Connection], None]] = []
        self._url = url
        self._name = application_name
        self._patience_s = patience_ms / limits.SECOND_MS
        #: How long calls have waited for a store that was away.
        self.away_s = 0.0
        self._connection = connect(url, application_name)

    def run(self, work: Callable[[Connection], _Result]) -> _Result:
        """What ``work`` returns. Raises ``DiskFull`` (nothing was written, now or before), ``JournalFailed`` (also when
        the store stayed away for too long: then nobody knows whether it was done), and what ``work`` itself raises."""
        try:
            return self._once(work)
        except Lost as lost:
            return self._again(work, lost)

    def query(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of one statement, which is prepared at its first use."""
        return self.run(lambda connection: connection.execute(statement, values, prepare=True, binary=True).fetchall())

    def _once(self, work: Callable[[Connection], _Result]) -> _Result:
        connection = self._connection
        try:
            with translated(self.where):
                return work(connection)
        except Lost:
            connection.close()
            raise
        except BaseException:
            self._undo(connection)
            raise

    def _undo(self, connection: Connection) -> None:
        """Leave no transaction open behind a failure."""
        if not connection.closed and connection.info.transaction_status is not _IDLE:
            try:
                connection.rollback()
            except psycopg.Error:
                connection.close()

    def _again(self, work: Callable[[Connection], _Result], lost: Exception) -> _Result:
        log.warning("the store's connection is lost", store=self.where, reason=str(lost))
        started = tried = time.monotonic()
        while time.monotonic() - started < self._patience_s:
            try:
                self._reconnect()
                result = self._once(work)
            except (Lost, StoreAway) as error:
                lost = error
                time.sleep(limits.STORE_RETRY_MS / limits.SECOND_MS)
                self.away_s += time.monotonic() - tried
                tried = time.monotonic()
            except DiskFull as error:  # now; but what was lost before may have been done
                raise JournalFailed(f"{error}; what was asked of {self.where} last may have been done") from error
            else:
                self.away_s += time.monotonic() - tried
                log.warning("the store is back", store=self.where, after_ms=round((time.monotonic() - started) * 1_000))
                return result
        raise JournalFailed(
            f"{self.where} did not come back within {self._patience_s:.0f} s ({lost}); what was asked of it last may"
            " have been done"
        ) from lost

    def _reconnect(self) -> None:
        self._connection.close()
        self._connection = connect(self._url, self._name)
        for restore in self.on_return:
            self._once(restore)

    def close(self) -> None:
        self._connection.close()
