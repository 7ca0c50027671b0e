"""Connections that are lost at the worst moments: nothing acknowledged is lost, nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.postgres import PostgresServer, without_password
from support.server import eventually, free_port
from support.tcp_proxy import TcpProxy

from actors.journal.interface import Checkpoint, FlushBatch, StoredProfile
from actors.postgresql.journal import PostgresqlJournal, open_journal
from actors.postgresql.log import Rider
from models.errors import Fenced, JournalFailed, StoreAway

A = b"a" * 16


@pytest.fixture
def proxy(postgres: PostgresServer) -> Iterator[TcpProxy]:
    proxy = TcpProxy(postgres.port)
    yield proxy
    proxy.close()


@pytest.fixture
def journal(
    make_postgresql: Callable[..., PostgresqlJournal], database: str, proxy: TcpProxy
) -> PostgresqlJournal:
    journal = make_postgresql(proxy.url(database))
    journal.take_over("owner")
    return journal


def payloads(journal: PostgresqlJournal) -> list[bytes]:
    return [row.payload for row in journal.rows(0)]


def terminate(postgres: PostgresServer, journal: PostgresqlJournal) -> None:
    """End the process of the server that serves this journal's connection."""
    pid = journal.session.run(lambda connection: connection.info.backend_pid)
    with postgres.session() as admin:
        assert admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,)).fetchone() == (True,)


def test_an_append_whose_reply_was_lost_after_the_commit_is_recognised(
    journal: PostgresqlJournal, proxy: TcpProxy
) -> None:
    journal.append(b"1" * 16, b"before")
    proxy.fail_next("reply")
    assert journal.append(b"2" * 16, b"committed, never said") == 2
    assert proxy.cut == 1
    assert journal.append(b"3" * 16, b"after") == 3
    assert payloads(journal) == [b"before", b"committed, never said", b"after"]


def test_an_append_that_arrived_in_part_is_done_once(journal: PostgresqlJournal, proxy: TcpProxy) -> None:
    proxy.fail_next("request")
    assert journal.append(b"1" * 16, b"x" * 500) == 1
    assert proxy.cut == 1
    assert payloads(journal) == [b"x" * 500]


def test_what_rides_with_an_append_is_done_once_though_its_reply_is_lost(
    journal: PostgresqlJournal, proxy: TcpProxy
) -> None:
    session = journal.session
    session.run(lambda connection: connection.execute("CREATE TABLE IF NOT EXISTS ridden (owner int, what bytea)"))
    statement = "INSERT INTO ridden (owner, what) SELECT owner, unnest(%s::bytea[]) FROM g"
    for fault in ("reply", "request"):
        journal.ride(Rider(statement, ([fault.encode()],)))
        proxy.fail_next(fault)
        journal.append(fault.encode().ljust(16), b"x")
    found = session.query("SELECT what FROM ridden WHERE owner = %s ORDER BY what", (journal.number,))
    assert found == [(b"reply",), (b"request",)]
    journal.append(b"3" * 16, b"without")
    assert len(session.query("SELECT 1 FROM ridden WHERE owner = %s", (journal.number,))) == 2


def test_nothing_rides_with_an_append_that_is_fenced(make_postgresql: Callable[..., PostgresqlJournal]) -> None:
    zombie, owner = make_postgresql(), make_postgresql()
    zombie.take_over("zombie")
    owner.take_over("owner")
    owner.session.run(lambda connection: connection.execute("CREATE TABLE IF NOT EXISTS smuggled (owner int)"))
    zombie.ride(Rider("INSERT INTO smuggled (owner) SELECT owner FROM g", ()))
    with pytest.raises(Fenced):
        zombie.append(b"1" * 16, b"x")
    assert owner.session.query("SELECT 1 FROM smuggled WHERE owner = %s", (owner.number,)) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=st.lists(st.sampled_from(["", "", "request", "reply", "terminate"]), max_size=8))
def test_however_often_the_connection_is_lost_the_log_holds_each_append_once(
    journal: PostgresqlJournal, proxy: TcpProxy, postgres: PostgresServer, faults: list[str]
) -> None:
    start, cut = journal.last_seq, proxy.cut
    for number, fault in enumerate(faults):
        if fault == "terminate":
            terminate(postgres, journal)
        elif fault:
            proxy.fail_next(fault)  # type: ignore[arg-type]
        journal.append(number.to_bytes(16, "big"), b"%d" % number)
    assert [row.payload for row in journal.rows(start)] == [b"%d" % number for number in range(len(faults))]
    assert proxy.cut - cut == sum(fault in ("request", "reply") for fault in faults)


def test_an_append_whose_server_process_is_ended_in_the_midst_of_it_is_done_once(
    journal: PostgresqlJournal, postgres: PostgresServer, database: str
) -> None:
    journal.append(b"1" * 16, b"before")
    with psycopg.connect(database) as other, ThreadPoolExecutor(1) as thread:
        other.execute("SELECT 1 FROM kairos.shard_owner WHERE owner = %s FOR UPDATE", (journal.number,))
        pid = journal.session.run(lambda connection: connection.info.backend_pid)
        appended = thread.submit(journal.append, b"2" * 16, b"interrupted")
        with postgres.session() as admin:
            eventually("the append waits", lambda: waits(admin, pid))
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        other.rollback()
        assert appended.result(20) == 2
    assert payloads(journal) == [b"before", b"interrupted"]


def waits(admin: psycopg.Connection, pid: int) -> bool:
    statement = "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s"
    return admin.execute(statement, (pid,)).fetchone() == ("Lock",)


@pytest.mark.parametrize("fault", ["request", "reply"])
def test_every_other_write_is_repeated_too(journal: PostgresqlJournal, proxy: TcpProxy, fault: str) -> None:
    def lose() -> None:
        proxy.fail_next(fault)  # type: ignore[arg-type]

    for number in range(1, 4):
        journal.append(bytes([number]) * 16, b"x")
    lose()
    journal.flush(FlushBatch(profiles=[StoredProfile(A, 1, 1, b"sealed", 5)], touched=[(A, [1, 2])]))
    lose()
    journal.complete_checkpoint(Checkpoint(2, 20, b"state"))
    lose()
    journal.truncate(2)
    lose()
    assert journal.load_profiles([A]) == {A: StoredProfile(A, 1, 1, b"sealed", 5)}
    lose()
    assert journal.checkpoint() == Checkpoint(2, 20, b"state")
    lose()
    assert [row.seq for row in journal.rows(0)] == [2, 3]
    lose()
    journal.confirm()
    assert proxy.cut == 7
    lose()
    assert journal.take_over("again") in (2, 3)
    assert journal.append(b"z" * 16, b"x") == 4


def test_what_an_old_connection_still_has_in_hand_comes_too_late(
    journal: PostgresqlJournal, make_postgresql: Callable[..., PostgresqlJournal], postgres: PostgresServer
) -> None:
    old = make_postgresql()
    old.epoch, old._line = journal.epoch, journal._line  # what this process sent before its connection broke
    terminate(postgres, journal)
    journal.confirm()
    journal.flush(FlushBatch(profiles=[StoredProfile(A, 9, 1, b"newer", 0)]))
    with pytest.raises(Fenced):
        old.flush(FlushBatch(profiles=[StoredProfile(A, 3, 1, b"older", 0)]))
    assert journal.load_profiles([A])[A].sealed == b"newer"


def test_an_owner_that_was_fenced_while_it_was_cut_off_learns_so(
    journal: PostgresqlJournal, make_postgresql: Callable[..., PostgresqlJournal], postgres: PostgresServer
) -> None:
    journal.append(b"1" * 16, b"mine")
    rival = make_postgresql()
    rival.take_over("rival")
    terminate(postgres, journal)
    with pytest.raises(Fenced):
        journal.append(b"2" * 16, b"too late")
    assert payloads(rival) == [b"mine"]


def test_a_journal_opens_by_a_socket_and_with_a_password_from_the_environment(
    postgres: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = database.rpartition("/")[2]
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    for number, url in enumerate([postgres.socket_url_of(name), without_password(database)]):
        journal = open_journal(url, f"shard-{800 + number}")
        assert journal.take_over("owner") == 1
        assert journal.append(b"1" * 16, b"x") == 1
        journal.close()


def test_a_store_that_is_not_there_at_the_start_is_named_without_its_password() -> None:
    port = free_port()
    with pytest.raises(StoreAway) as raised:
        open_journal(f"postgresql://kairos:very-secret@127.0.0.1:{port}/none", "shard-0")
    assert f"127.0.0.1:{port}/none" in str(raised.value)
    assert "very-secret" not in str(raised.value)


def test_a_store_that_stays_away_ends_the_journal(postgres: PostgresServer, database: str) -> None:
    proxy = TcpProxy(postgres.port)
    journal = open_journal(proxy.url(database), "shard-900", patience_ms=1_000)
    journal.take_over("owner")
    proxy.close()
    with pytest.raises(JournalFailed, match=r"did not come back within 1 s .* may have been done"):
        journal.append(b"1" * 16, b"x")
    journal.close()
