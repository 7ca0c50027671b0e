"""Every statement of the journal reads by an index, also one whose plan was made while the tables were empty."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from support.postgres import PostgresServer

from actors.journal.interface import Base, Checkpoint, FlushBatch, IndexEntry, StoredProfile
from actors.journal.keyring import StoredKey
from actors.postgresql.connection import connect, place
from actors.postgresql.journal import PostgresqlJournal, open_journal
from actors.postgresql.keys import PostgresqlKeyTable
from actors.postgresql.schema import ensure_schema
from models import limits

ROWS = 100_000
#: More than any call of ``use`` asks for.
FEW = 70
OWN, OTHER = "shard-0", "shard-1"
FILL = """
INSERT INTO shard_log SELECT 1, n, 1, 0, 'b', 'c', 'p' FROM generate_series(4, {rows}) n;
INSERT INTO profile SELECT o, 1, 1, 1000000 + n, decode(lpad(to_hex(n), 32, '0'), 'hex'), 'c', 's'
    FROM generate_series(4, {rows}) n, generate_series(1, 2) o;
INSERT INTO base_profile SELECT 1, 1, 1, 0, decode(lpad(to_hex(n), 32, '0'), 'hex'), 'c', 's'
    FROM generate_series(4, {rows}) n;
INSERT INTO idem SELECT 1, n % 4, 1, 0, decode(lpad(to_hex(n), 32, '0'), 'hex'), 'k', 'f', ''
    FROM generate_series(4, {rows}) n;
INSERT INTO touched SELECT 1, 5, decode(lpad(to_hex(n), 32, '0'), 'hex'), 's' FROM generate_series(4, {rows}) n;
INSERT INTO customer_key SELECT 1, 1, 1, decode(lpad(to_hex(n), 32, '0'), 'hex'), 'w' FROM generate_series(4, {rows}) n;
INSERT INTO destroyed_key SELECT 1, 1, 0, decode(lpad(to_hex(n), 32, '0'), 'hex') FROM generate_series(4, {rows}) n;
INSERT INTO checkpoint SELECT 1, n, 0, 'c', 's' FROM generate_series(4, 1000) n;
UPDATE shard_owner SET last_seq = {rows} WHERE owner = 1;
"""


@pytest.fixture
def explained(postgres: PostgresServer) -> Iterator[tuple[PostgresqlJournal, psycopg.Connection, list[str]]]:
    """A journal whose server tells the plan of every statement, and another connection to fill its tables with."""
    url = postgres.fresh_database()
    name = url.rpartition("/")[2]
    with postgres.session() as admin:
        for setting in (
            "session_preload_libraries = 'auto_explain'", "auto_explain.log_min_duration = 0",
            "auto_explain.log_analyze = on", "auto_explain.log_timing = off", "auto_explain.log_level = notice",
        ):
            admin.execute(f'ALTER DATABASE "{name}" SET {setting}')
    other = connect(url, "tests")
    ensure_schema(other, place(url))
    journal = open_journal(url, OWN)
    plans: list[str] = []
    journal.session._connection.add_notice_handler(lambda said: plans.append(said.message_primary or ""))
    yield journal, other, plans
    journal.close()
    other.close()
    postgres.drop(url)


def use(journal: PostgresqlJournal) -> None:
    """Every call, each for a few rows."""
    customers = [bytes([240 + number]) * 16 for number in range(16)]
    keys, first = PostgresqlKeyTable(journal), journal.last_seq + 1
    made = [StoredKey(customer, first, 1, b"wrapped") for customer in customers]
    keys.add(made)
    for number in range(3):
        journal.append(number.to_bytes(16, "big"), b"payload", at_ms=number)
    journal.confirm()
    stored = [StoredProfile(customer, first, 1, b"sealed", 5) for customer in customers]
    entry = IndexEntry(customers[0], b"key", first, 5 * limits.KEY_PERIOD_MS, b"f", b"")
    touched = [(customer, [first, first + 1]) for customer in customers]
    journal.flush(FlushBatch(stored, [entry], touched, erased=[b"nobody"]))
    journal.complete_checkpoint(Checkpoint(journal.last_seq, 0, b"state"))
    assert journal.checkpoint() == Checkpoint(journal.last_seq, 0, b"state")
    assert [row.seq for row in journal.rows(first - 1)] == [first, first + 1, first + 2]
    assert journal.row(first) is not None
    assert len(journal.load_profiles(customers)) == 16
    assert journal.due(5, 16) == sorted((5, customer) for customer in customers)
    assert journal.load_keys([(customers[0], b"key"), (customers[1], b"key")]) == {(customers[0], b"key"): entry}
    assert journal.rows_of(customers[0], None, 5)[:2] == [first + 1, first]
    oldest = journal.oldest_seq()
    journal.truncate(min(oldest + limits.TRUNCATE_ROWS, first), Base(oldest, 0, b"base", stored[:3], [b"nobody"]))
    assert len(journal.base_profiles(customers)) == 3
    assert len(journal.base_page(customers[0][:1], 2)) == 2
    journal.drop_keys(3 * limits.KEY_PERIOD_MS, 16)
    assert keys.find([(customers[0], first), (customers[1], first), (b"nobody", 1)]).stored == made[:2]
    keys.destroy([(customer, first) for customer in customers], 7)
    assert keys.destroyed([customers[0], b"nobody"]) == {customers[0]: (first, 7)}
    assert keys.find([(customers[0], first)]).destroyed == [(customers[0], first)]
    journal.newest_seq()
    journal.incarnation()


def costly(plans: list[str]) -> list[str]:
    """Plans that read a table from end to end, or many rows for few."""
    rows = re.compile(r"actual rows=(\d+)|Rows Removed by Filter: (\d+)")
    return [
        plan for plan in plans
        if re.search(r"Seq Scan on (?!pg_)", plan) or any(max(map(int, filter(None, m.groups()))) > FEW
                                                         for m in rows.finditer(plan))
    ]


def test_no_statement_reads_more_than_it_asks_for(
    explained: tuple[PostgresqlJournal, psycopg.Connection, list[str]]
) -> None:
    journal, other, plans = explained
    journal.take_over("owner")
    use(journal)
    for script in FILL.format(rows=ROWS).split(";\n"):
        if script.strip():
            other.execute(script)
    for _ in range(2):
        plans.clear()
        journal.take_over("owner")
        use(journal)
        assert len(plans) > 30
        assert not costly(plans), "\n\n".join(costly(plans))
        other.execute("ANALYZE")
