"""One suite for every journal. A maker hands out owners of one and the same journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actors.journal import schema
from actors.journal.interface import Journal
from actors.journal.sqlite import SqliteJournal
from actors.journal.sqlite_file import SqliteFile

#: Each call gives one more process-like owner over the same stored journal.
MakeOwner = Callable[[], Journal]


@pytest.fixture(params=["sqlite"])
def make_owner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeOwner]:
    assert request.param == "sqlite"
    file = SqliteFile(tmp_path / "journal.db", schema.JOURNAL)
    yield lambda: SqliteJournal(file)
    file.close()


@pytest.fixture
def journal(make_owner: MakeOwner) -> Journal:
    journal = make_owner()
    journal.take_over("first")
    return journal
