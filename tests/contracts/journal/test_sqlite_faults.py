"""The embedded journal against kills, torn logs, full disks, damage and second openers."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from actors.journal import schema
from actors.journal.sqlite import open_journal
from actors.journal.sqlite_file import SqliteFile
from models.errors import DiskFull, JournalFailed, JournalLocked

ROOT = Path(__file__).parents[3]
CHILD = Path(__file__).with_name("crash_child.py")


def _acknowledged_by_a_killed_child(directory: Path, until: int) -> int:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen([sys.executable, str(CHILD), str(directory)], stdout=subprocess.PIPE, env=environment)
    assert child.stdout is not None
    last = 0
    for line in child.stdout:
        last = int(line)
        if last >= until:
            child.send_signal(signal.SIGKILL)
            break
    for line in child.stdout:
        last = int(line) if line.endswith(b"\n") else last
    child.wait()
    child.stdout.close()
    return last


def test_what_was_acknowledged_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    until = 0
    for round_ in range(3):
        until += 37 + round_ * 60
        acknowledged = _acknowledged_by_a_killed_child(tmp_path, until)
        journal = open_journal(tmp_path)
        rows = list(journal.rows(0))
        assert acknowledged <= len(rows) <= acknowledged + 1
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        assert all(row.payload == row.seq.to_bytes(8, "big") * (row.seq % 97 + 1) for row in rows)
        assert journal.take_over("after") == 2 * round_ + 2
        journal.close()
        until = len(rows)


@pytest.mark.parametrize("cut", [1, 24, 1_000, 4_000, 4_120])
def test_a_torn_log_loses_no_row_before_the_tear(tmp_path: Path, cut: int) -> None:
    acknowledged = _acknowledged_by_a_killed_child(tmp_path, 50)
    wal = tmp_path / "journal.db-wal"
    with wal.open("r+b") as handle:
        handle.truncate(wal.stat().st_size - cut)
    journal = open_journal(tmp_path)
    journal.take_over("after")
    rows = list(journal.rows(0))
    assert acknowledged - 4 <= len(rows) == journal.last_seq
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert journal.append(b"n" * 16, b"next") == len(rows) + 1
    journal.close()


def test_a_full_disk_refuses_the_append_and_keeps_what_was_there(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, pages_max=60)
    journal.take_over("owner")

    def fill() -> None:
        while True:
            journal.append(os.urandom(16), b"x" * 5_000)

    with pytest.raises(DiskFull, match="free some"):
        fill()
    written = journal.last_seq
    assert written > 5
    assert len(list(journal.rows(0))) == written
    assert journal.append(b"s" * 16, b"small enough") == written + 1
    journal.close()
    again = open_journal(tmp_path)
    assert again.last_seq == written + 1
    again.close()


def test_a_damaged_row_is_named_and_never_returned(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.take_over("owner")
    for number in range(3):
        journal.append(bytes([number]) * 16, b"good")
    journal.close()
    with sqlite3.connect(tmp_path / "journal.db") as raw:
        raw.execute("UPDATE log SET payload = X'62616421' WHERE seq = 2")
    raw.close()
    journal = open_journal(tmp_path)
    assert journal.row(1) is not None
    with pytest.raises(JournalFailed, match=r"journal\.db: row 2 is damaged"):
        journal.row(2)
    with pytest.raises(JournalFailed, match="row 2"):
        list(journal.rows(0))
    journal.close()


def test_a_missing_row_is_named(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.take_over("owner")
    for number in range(3):
        journal.append(bytes([number]) * 16, b"good")
    journal.close()
    with sqlite3.connect(tmp_path / "journal.db") as raw:
        raw.execute("DELETE FROM log WHERE seq = 2")
    raw.close()
    journal = open_journal(tmp_path)
    with pytest.raises(JournalFailed, match="row 2 is missing"):
        list(journal.rows(0))
    journal.close()


def test_a_file_that_is_no_database_is_refused_and_its_lock_released(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"this is not a database at all, " * 50)
    for _ in range(2):
        with pytest.raises(JournalFailed, match=r"journal\.db"):
            open_journal(tmp_path)


def test_a_second_opener_is_told_who_holds_the_journal(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    with pytest.raises(JournalLocked, match=f"process {os.getpid()}"):
        open_journal(tmp_path)
    journal.close()
    open_journal(tmp_path).close()


def test_another_layout_is_refused(tmp_path: Path) -> None:
    SqliteFile(tmp_path / "journal.db", schema.JOURNAL).close()
    with sqlite3.connect(tmp_path / "journal.db") as raw:
        raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(JournalFailed, match="layout 99"):
        open_journal(tmp_path)


def test_files_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    open_journal(tmp_path / "shards" / "0").close()
    assert (tmp_path / "shards" / "0" / "journal.db").stat().st_mode & 0o077 == 0
