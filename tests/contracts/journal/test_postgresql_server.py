"""The server dies, halts, restarts, is full, is set up unsafely or holds damaged rows."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from support.postgres import ADMIN, PostgresServer
from support.server import eventually

from actors.journal.interface import Checkpoint, FlushBatch, StoredProfile
from actors.journal.keyring import StoredKey
from actors.naming import shard_owner
from actors.postgresql.connection import connect, place
from actors.postgresql.journal import PostgresqlJournal, open_journal
from actors.postgresql.keys import PostgresqlKeyTable
from actors.postgresql.schema import VERSION, ensure_schema
from models import limits
from models.errors import DiskFull, JournalFailed, StoreAway

A = b"a" * 16
ROOT = Path(__file__).parents[3]
CHILD = Path(__file__).with_name("postgresql_child.py")
_shards = itertools.count()


@pytest.fixture(scope="module")
def server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """One of its own, to be killed. It writes what need not be durable as late as it can."""
    server = PostgresServer({"wal_writer_delay": "10000", "wal_writer_flush_after": "100MB"})
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def url(server: PostgresServer) -> str:
    url = server.fresh_database()
    make_tables(url)
    return url


def make_tables(url: str) -> None:
    connection = connect(url, "tests")
    ensure_schema(connection, place(url))
    connection.close()


@pytest.fixture
def journal(url: str) -> Iterator[PostgresqlJournal]:
    journal = open_journal(url, shard_owner(next(_shards)))
    journal.take_over("owner")
    yield journal
    journal.close()


def profile(customer: bytes, seq: int) -> StoredProfile:
    return StoredProfile(customer, seq, 1, b"sealed %d" % seq, 0)


def test_what_was_acknowledged_survives_kills_of_the_server_and_nothing_is_there_twice(
    server: PostgresServer, journal: PostgresqlJournal
) -> None:
    acknowledged: list[int] = []
    stop = threading.Event()

    def append() -> None:
        while not stop.is_set():
            number = len(acknowledged) + 1
            assert journal.append(number.to_bytes(16, "big"), b"%d" % number, at_ms=number) == number
            acknowledged.append(number)

    with ThreadPoolExecutor(1) as thread:
        working = thread.submit(append)
        for end in (server.kill, server.stop, server.kill):
            enough = len(acknowledged) + 50
            eventually("it appends", lambda enough=enough: working.done() or len(acknowledged) >= enough)  # type: ignore[misc]
            end()
            server.start()
        enough = len(acknowledged) + 50
        eventually("it goes on", lambda: working.done() or len(acknowledged) >= enough)
        stop.set()
        working.result(60)
    assert [row.payload for row in journal.rows(0)] == [b"%d" % number for number in acknowledged]


def acknowledged_by_a_killed_child(url: str, owner: str, until: int) -> int:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, str(CHILD), owner], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{url}\n")
    child.stdin.flush()
    last = 0
    for line in child.stdout:
        if line.endswith("\n"):
            last = int(line)
        if last == until:
            child.kill()
    child.wait()
    return last


def test_what_a_killed_process_acknowledged_is_there_and_its_successor_goes_on(url: str) -> None:
    owner = shard_owner(next(_shards))
    journal = open_journal(url, owner)
    for round_ in range(2):
        acknowledged = acknowledged_by_a_killed_child(url, owner, journal.newest_seq() + 40 + round_)
        assert journal.take_over("after") == 2 * round_ + 2
        rows = list(journal.rows(0))
        assert acknowledged <= len(rows) <= acknowledged + 1
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        assert all(row.payload == row.seq.to_bytes(8, "big") * (row.seq % 97 + 1) for row in rows)
    journal.close()


def test_a_flush_that_a_dying_server_forgot_is_written_again(
    server: PostgresServer, url: str, journal: PostgresqlJournal
) -> None:
    journal.append(b"1" * 16, b"x")
    journal.flush(FlushBatch(profiles=[profile(A, 1)]))
    journal.flush(FlushBatch(profiles=[profile(A, 2)]))
    server.kill()
    server.start()
    reader = open_journal(url, journal._name)
    assert reader.load_profiles([A]) == {}  # it was forgotten indeed
    assert journal.load_profiles([A]) == {A: profile(A, 2)}
    assert reader.load_profiles([A]) == {A: profile(A, 2)}
    reader.close()


@pytest.mark.parametrize("settle", ["append", "complete_checkpoint"])
def test_a_flush_is_durable_with_the_next_commit_that_is(
    server: PostgresServer, url: str, journal: PostgresqlJournal, settle: str
) -> None:
    journal.flush(FlushBatch(profiles=[profile(A, 1)]))
    if settle == "append":
        journal.append(b"1" * 16, b"x")
    else:
        journal.complete_checkpoint(Checkpoint(0, 0, b"state"))
    server.kill()
    server.start()
    reader = open_journal(url, journal._name)
    assert reader.load_profiles([A]) == {A: profile(A, 1)}
    reader.close()


def test_many_flushes_in_a_row_are_made_durable_in_between(
    server: PostgresServer, url: str, journal: PostgresqlJournal
) -> None:
    count = limits.STORE_UNSETTLED_MAX + 1
    customers = [bytes([number]) * 16 for number in range(count)]
    for customer in customers:
        journal.flush(FlushBatch(profiles=[profile(customer, 1)]))
    server.kill()
    server.start()
    reader = open_journal(url, journal._name)
    assert len(reader.load_profiles(customers)) == count
    reader.close()


def test_a_halted_server_is_waited_for_and_the_append_done_once(
    server: PostgresServer, journal: PostgresqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(b"1" * 16, b"before")
    lost = threading.Event()
    waiting = journal.session._again

    def note(*arguments: object) -> object:
        lost.set()
        return waiting(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(journal.session, "_again", note)
    monkeypatch.setattr(limits, "STORE_REPLY_MS_MAX", 300)
    server.halt()
    try:
        with ThreadPoolExecutor(1) as thread:
            appended = thread.submit(journal.append, b"2" * 16, b"halted")
            assert lost.wait(30)
            monkeypatch.setattr(limits, "STORE_REPLY_MS_MAX", 10_000)
            server.resume()
            assert appended.result(60) == 2
    finally:
        server.resume()
    assert journal.append(b"3" * 16, b"after") == 3
    assert [row.payload for row in journal.rows(0)] == [b"before", b"halted", b"after"]


@contextmanager
def no_space(server: PostgresServer, url: str) -> Iterator[psycopg.Connection]:
    """No row finds room in the log."""
    with server.session(url) as other:
        other.execute(
            "CREATE OR REPLACE FUNCTION kairos.no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
        )
        other.execute(
            "CREATE TRIGGER no_space BEFORE INSERT ON kairos.shard_log FOR EACH ROW EXECUTE FUNCTION kairos.no_space()"
        )
        yield other
        other.execute("DROP TRIGGER no_space ON kairos.shard_log")


def test_a_full_disk_refuses_the_append_and_keeps_what_was_there(
    server: PostgresServer, url: str, journal: PostgresqlJournal
) -> None:
    journal.append(b"1" * 16, b"before")
    with no_space(server, url), pytest.raises(DiskFull, match="free some"):
        journal.append(b"2" * 16, b"no room")
    assert journal.last_seq == journal.newest_seq() == 1
    assert journal.append(b"3" * 16, b"room again") == 2
    assert [row.payload for row in journal.rows(0)] == [b"before", b"room again"]


def test_keys_that_wait_for_a_full_disk_go_together_however_many_they_become(
    server: PostgresServer, url: str, journal: PostgresqlJournal
) -> None:
    """A turn that found no room leaves its new keys for the next; a statement holds 65,535 values at most."""
    table = PostgresqlKeyTable(journal)
    customers = [number.to_bytes(16, "big") for number in range(60)]
    with no_space(server, url):
        for customer in customers:
            table.add([StoredKey(customer, 1, 202611, b"wrapped")])
            with pytest.raises(DiskFull):
                journal.append(b"1" * 16, b"no room")
    assert len(journal._riders) == 1
    journal.append(b"2" * 16, b"room again")
    assert len(table.find([(customer, 1) for customer in customers]).stored) == len(customers)


def test_a_disk_that_is_full_after_a_lost_connection_does_not_say_that_nothing_was_done(
    server: PostgresServer, url: str, journal: PostgresqlJournal
) -> None:
    with no_space(server, url) as other:
        pid = journal.session.run(lambda connection: connection.info.backend_pid)
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        with pytest.raises(JournalFailed, match=r"free some and repeat; what was asked .* may have been done"):
            journal.append(b"1" * 16, b"who knows")


def test_damaged_and_missing_rows_are_named_and_never_returned(
    server: PostgresServer, url: str, journal: PostgresqlJournal
) -> None:
    for number in range(1, 5):
        journal.append(bytes([number]) * 16, b"good")
    with server.session(url) as other:
        other.execute("UPDATE kairos.shard_log SET payload = 'bad' WHERE owner = %s AND seq = 2", (journal.number,))
    with pytest.raises(JournalFailed, match=rf"{journal._name}: row 2 is damaged"):
        journal.row(2)
    with server.session(url) as other:
        other.execute("DELETE FROM kairos.shard_log WHERE owner = %s AND seq = 2", (journal.number,))
    with pytest.raises(JournalFailed, match="row 2 is missing"):
        list(journal.rows(0))
    with server.session(url) as other:
        other.execute("DELETE FROM kairos.shard_log WHERE owner = %s AND seq = 4", (journal.number,))
    with pytest.raises(JournalFailed, match="the log ends at row 3, its owner at 4"):
        journal.take_over("again")


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_would_lose_what_it_acknowledged_is_refused(postgres: PostgresServer, setting: str) -> None:
    unsafe = PostgresServer({setting: "off"})
    try:
        unsafe.start()
        with pytest.raises(JournalFailed, match=f"runs with {setting} = off and would lose .*: set {setting} = on in"):
            connect(unsafe.fresh_database(), "tests")
    finally:
        unsafe.remove()


def test_every_append_is_durable_whatever_the_database_is_set_to(server: PostgresServer, url: str) -> None:
    name = url.rpartition("/")[2]
    with server.session() as admin:
        admin.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    connection = connect(url, "tests")
    assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    connection.close()
    with server.session() as admin:
        admin.execute(f'ALTER DATABASE "{name}" RESET synchronous_commit')


def test_a_server_that_only_reads_is_away(server: PostgresServer, url: str) -> None:
    with pytest.raises(StoreAway):
        connect(url + "?options=-c%20default_transaction_read_only%3Don", "tests")
    with pytest.raises(StoreAway):
        connect(server.url_of("no_such_database", user=ADMIN), "tests")


def test_the_tables_are_made_once_by_whoever_comes_first(server: PostgresServer) -> None:
    url = server.fresh_database()
    with ThreadPoolExecutor(4) as threads:
        made: list[Callable[[], None]] = [threads.submit(make_tables, url).result for _ in range(8)]
        for wait in made:
            wait()
    make_tables(url)
    with server.session(url) as other:
        assert other.execute("SELECT version FROM kairos.layout").fetchall() == [(VERSION,)]
        other.execute("UPDATE kairos.layout SET version = 99")
    with pytest.raises(JournalFailed, match="has layout 99"):
        make_tables(url)
