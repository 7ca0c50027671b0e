"""The fence where two connections meet in the server: whoever gets the owner's row first, the other one learns it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from support.postgres import PostgresServer
from support.server import eventually

from actors.journal.interface import FlushBatch, StoredProfile
from actors.postgresql.connection import Connection
from actors.postgresql.journal import PostgresqlJournal
from actors.postgresql.ownership import Ownership
from models.errors import Fenced

A = b"a" * 16
Make = Callable[..., PostgresqlJournal]


class Lock:
    """Holds an owner's row, so that what comes meanwhile queues up in the order in which it came."""

    def __init__(self, database: str, admin: psycopg.Connection) -> None:
        self._holder = psycopg.connect(database)
        self._admin = admin

    def hold(self, journal: PostgresqlJournal) -> None:
        self._holder.execute("SELECT 1 FROM kairos.shard_owner WHERE owner = %s FOR UPDATE", (journal.number,))

    def run(self, statement: str, *values: object) -> None:
        self._holder.execute(statement, values)

    def wait_for(self, *journals: PostgresqlJournal) -> None:
        pids = [journal.session._connection.info.backend_pid for journal in journals]
        statement = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s) AND wait_event_type = 'Lock'"
        eventually("they wait", lambda: self._admin.execute(statement, (pids,)).fetchone() == (len(pids),))

    def commit(self) -> None:
        self._holder.commit()

    def rollback(self) -> None:
        self._holder.rollback()

    def close(self) -> None:
        self._holder.close()


@pytest.fixture
def lock(database: str, postgres: PostgresServer) -> Iterator[Lock]:
    with postgres.session() as admin:
        lock = Lock(database, admin)
        yield lock
        lock.close()


@pytest.fixture
def pair(make_postgresql: Make) -> tuple[PostgresqlJournal, PostgresqlJournal]:
    """The owner, which appended one row, and a rival that has not taken over yet."""
    owner, rival = make_postgresql(), make_postgresql()
    owner.take_over("owner")
    owner.append(b"1" * 16, b"first")
    return owner, rival


Pair = tuple[PostgresqlJournal, PostgresqlJournal]


def test_an_append_before_a_take_over_is_seen_by_the_successor(pair: Pair, lock: Lock) -> None:
    owner, rival = pair
    lock.hold(owner)
    with ThreadPoolExecutor(2) as threads:
        appended = threads.submit(owner.append, b"2" * 16, b"in time")
        lock.wait_for(owner)
        taken = threads.submit(rival.take_over, "rival")
        lock.wait_for(owner, rival)
        lock.rollback()
        assert appended.result(20) == 2
        assert taken.result(20) == 2
    assert rival.last_seq == 2
    assert [row.payload for row in rival.rows(0)] == [b"first", b"in time"]


def test_an_append_behind_a_take_over_is_fenced(pair: Pair, lock: Lock) -> None:
    owner, rival = pair
    lock.hold(owner)
    with ThreadPoolExecutor(2) as threads:
        taken = threads.submit(rival.take_over, "rival")
        lock.wait_for(rival)
        appended = threads.submit(owner.append, b"2" * 16, b"too late")
        lock.wait_for(owner, rival)
        lock.rollback()
        assert taken.result(20) == 2
        with pytest.raises(Fenced):
            appended.result(20)
    assert rival.last_seq == 1
    assert rival.append(b"3" * 16, b"the successor's") == 2
    assert [row.payload for row in rival.rows(0)] == [b"first", b"the successor's"]


@pytest.mark.parametrize("is_committed", [True, False])
def test_an_append_waits_for_a_take_over_that_is_not_committed(pair: Pair, lock: Lock, is_committed: bool) -> None:
    owner, _ = pair
    lock.run("UPDATE kairos.shard_owner SET epoch = epoch + 1 WHERE owner = %s", owner.number)
    with ThreadPoolExecutor(1) as thread:
        appended = thread.submit(owner.append, b"2" * 16, b"meanwhile")
        lock.wait_for(owner)
        if is_committed:
            lock.commit()
            with pytest.raises(Fenced):
                appended.result(20)
        else:
            lock.rollback()
            assert appended.result(20) == 2
    assert len(list(owner.rows(0))) == (1 if is_committed else 2)


def test_a_flush_behind_a_take_over_is_fenced(pair: Pair, lock: Lock) -> None:
    owner, rival = pair
    lock.hold(owner)
    with ThreadPoolExecutor(2) as threads:
        taken = threads.submit(rival.take_over, "rival")
        lock.wait_for(rival)
        flushed = threads.submit(owner.flush, FlushBatch(profiles=[StoredProfile(A, 1, 1, b"stale", 0)]))
        lock.wait_for(owner, rival)
        lock.rollback()
        assert taken.result(20) == 2
        with pytest.raises(Fenced):
            flushed.result(20)
    assert rival.load_profiles([A]) == {}


def test_a_take_over_waits_for_a_flush_that_is_not_committed(
    pair: Pair, lock: Lock, make_postgresql: Make
) -> None:
    owner, rival = pair
    reader = make_postgresql()
    lock.run("LOCK TABLE kairos.profile IN SHARE MODE")
    with ThreadPoolExecutor(2) as threads:
        flushed = threads.submit(owner.flush, FlushBatch(profiles=[StoredProfile(A, 1, 1, b"in time", 0)]))
        lock.wait_for(owner)
        taken = threads.submit(rival.take_over, "rival")
        lock.wait_for(owner, rival)
        lock.rollback()
        flushed.result(20)
        assert taken.result(20) == 2
    assert reader.load_profiles([A])[A].sealed == b"in time"


@pytest.mark.parametrize("does", ["append", "look"])
def test_who_is_fenced_while_it_writes_a_flush_again_on_a_new_connection_learns_so(
    make_postgresql: Make, monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    owner, rival = make_postgresql(), make_postgresql()
    owner.take_over("owner")
    owner.flush(FlushBatch([StoredProfile(A, 1, 1, b"sealed", 0)]))
    come_back = Ownership._come_back

    def overtaken(journal: Ownership, connection: Connection) -> None:
        come_back(journal, connection)
        rival.take_over("rival")

    monkeypatch.setattr(Ownership, "_come_back", overtaken)
    owner.session.close()
    with pytest.raises(Fenced):
        owner.append(b"1" * 16, b"payload") if does == "append" else owner.load_profiles([A])
