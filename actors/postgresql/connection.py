"""One connection to PostgreSQL: bounded in every wait, safe in what it acknowledges, its errors told apart.

A halted server keeps its sockets open and its kernel acknowledges what arrives, so the bound that counts is our own:
a reply that does not come within ``limits.STORE_REPLY_MS_MAX`` means a lost connection. A password in an address is
used and never shown; libpq's own means (PGPASSWORD, PGPASSFILE) are the usual way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg import conninfo
from psycopg.abc import PQGen
from psycopg.types.numeric import Int8BinaryDumper

from actors.postgresql.address import remedy
from actors.postgresql.arrays import ArrayDumper
from models import limits
from models.errors import DiskFull, JournalFailed, StoreAway

#: Every table of Kairos is in this schema of the database.
SCHEMA: Final = "kairos"
SERVER_VERSION_MIN: Final = 140_000
_SETTINGS: Final = {
    "search_path": SCHEMA,
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "statement_timeout": str(limits.STORE_STATEMENT_MS_MAX),
    "idle_in_transaction_session_timeout": str(limits.STORE_IDLE_TRANSACTION_MS_MAX),
    "tcp_user_timeout": str(limits.STORE_SILENCE_MS_MAX),
    # Statements are prepared once, often while their tables are empty: whatever a table's size is believed to be, it is
    # read by its index, in the order of that. (A look-up of many keys is a lateral join with OFFSET 0, which keeps the
    # planner from reading all rows of an owner instead.)
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
_LIBPQ: Final = {
    "connect_timeout": str(limits.STORE_CONNECT_MS_MAX // limits.SECOND_MS),
    "tcp_user_timeout": str(limits.STORE_SILENCE_MS_MAX),
    "keepalives_idle": "2",
    "keepalives_interval": "1",
    "keepalives_count": "3",
    "target_session_attrs": "read-write",
}
#: Without these a crash of the server takes back what it acknowledged.
_SAFE: Final = ("fsync", "full_page_writes")
_DISK_FULL: Final = "53100"
#: SQLSTATEs, or classes of them, after which another connection or another try may do better: connection exceptions,
#: operator intervention (a shutdown, an ended process, a statement that took too long), deadlocks, a standby, a lock
#: that was not to be had, too many connections, a transaction that was silent for too long.
_PASSING: Final = ("08", "57", "40", "25006", "55P03", "53300", "25P03")
#: How often a wait looks whether it is interrupted.
_WAKE_S: Final = 0.1
_Result = TypeVar("_Result")


class Lost(Exception):
    """The connection is gone or the statement was interrupted: it may have been executed, it may be repeated."""


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """Waits for a reply as long as ``limits.STORE_REPLY_MS_MAX`` says, then is lost."""

    def wait(self, gen: PQGen[_Result], interval: float = _WAKE_S, timeout: float | None = None) -> _Result:
        return super().wait(gen, interval, limits.STORE_REPLY_MS_MAX / 1_000 if timeout is None else timeout)


def place(url: str) -> str:
    """Host and database of an address for messages, never its password."""
    known = conninfo.conninfo_to_dict(url)
    return f"postgresql://{known.get('host', '')}:{known.get('port', 5432)}/{known.get('dbname', '')}"


def connect(url: str, application_name: str) -> Connection:
    """An open connection in which each statement is its own transaction. Integers travel as 8 bytes, all in binary.

    Raises ``StoreAway`` when nobody answers, ``JournalFailed`` when the server would lose what it acknowledges.
    """
    try:
        given = conninfo.conninfo_to_dict(url)
        options = " ".join([str(given.pop("options", "")), *(f"-c {k}={_quoted(v)}" for k, v in _SETTINGS.items())])
        known = {**_LIBPQ, **given, "options": options.strip(), "application_name": application_name}
        connection = Connection.connect(conninfo.make_conninfo("", **known), autocommit=True)
    except psycopg.Error as error:
        raise StoreAway(_advised(f"{place(url)}: {_words(error)}")) from error
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    connection.adapters.register_dumper(list, ArrayDumper)
    try:
        with translated(place(url)):
            _refuse_unsafe(connection, place(url))
    except Lost as error:
        connection.close()
        raise StoreAway(f"{place(url)}: {error}") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _advised(said: str) -> str:
    advice = remedy(said)
    return f"{said}; {advice}" if advice else said


def _quoted(value: str) -> str:
    return value.replace(" ", "\\ ")


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _refuse_unsafe(connection: Connection, where: str) -> None:
    if connection.info.server_version < SERVER_VERSION_MIN:
        raise JournalFailed(f"{where} is PostgreSQL {connection.info.server_version}; Kairos needs 14 or later")
    for setting in _SAFE:
        row = connection.execute("SELECT current_setting(%s)", (setting,)).fetchone()
        if row != ("on",):
            raise JournalFailed(
                f"{where} runs with {setting} = {row and row[0]} and would lose what it acknowledged: set {setting} ="
                " on in postgresql.conf and start it again"
            )


@contextmanager
def translated(where: str) -> Iterator[None]:
    """psycopg's errors as ``DiskFull`` (nothing was written), ``Lost`` or ``JournalFailed``."""
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or ""
        if state == _DISK_FULL:
            raise DiskFull(f"no space to write at {where}; free some and repeat") from error
        if state.startswith(_PASSING) or (not state and isinstance(error, psycopg.OperationalError)):
            raise Lost(_words(error)) from error
        raise JournalFailed(f"{where}: {_words(error)}") from error
