"""Kill -9 between any two statements of an append: what was acknowledged is there, and a new owner goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from actors.journal.sqlite import open_journal

ROOT = Path(__file__).parents[3]
CHILD = Path(__file__).with_name("kill_child.py")


@pytest.mark.parametrize("statement", ["BEGIN", "UPDATE owner", "INSERT INTO log", "COMMIT"])
def test_an_append_is_there_as_a_whole_or_not_at_all(tmp_path: Path, statement: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(CHILD), str(tmp_path), statement], env=environment, capture_output=True, text=True,
        check=False, timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    acknowledged = [int(line) for line in done.stdout.split()]
    assert acknowledged == [1, 2, 3, 4, 5]
    journal = open_journal(tmp_path)
    assert [(row.seq, row.payload) for row in journal.rows(0)] == [(seq, b"kept") for seq in acknowledged]
    assert journal.take_over("after") == 2
    assert journal.append(b"y" * 16, b"next") == 6
    journal.close()
