"""Both stores of links and sessions: a file, and (where there is a server) a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from support.postgres import PostgresServer

from actors.sessions.interface import Sessions
from actors.sessions.postgresql_sessions import PostgresqlSessions
from actors.sessions.sqlite_sessions import CONSOLE_FILE, SqliteSessions


@dataclass
class Stored:
    """``another`` opens the same store once more, as another process would; ``everything`` is all that it holds."""

    open: Callable[[], Sessions]
    everything: Callable[[], bytes]
    opened: list[Sessions] = field(default_factory=list)

    def another(self) -> Sessions:
        self.opened.append(self.open())
        return self.opened[-1]


@pytest.fixture(params=["sqlite", "postgresql"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stored]:
    if request.param == "sqlite":
        found = _in_file(tmp_path)
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.fresh_database()
        found = _in_table(url)
    yield found
    for one in found.opened:
        one.close()
    if request.param == "postgresql":
        server.drop(url)


def _in_file(data_dir: Path) -> Stored:
    def everything() -> bytes:
        return b"".join(path.read_bytes() for path in sorted(data_dir.glob(f"{CONSOLE_FILE}*")))

    return Stored(lambda: SqliteSessions(data_dir), everything)


def _in_table(url: str) -> Stored:
    def everything() -> bytes:
        with psycopg.connect(url) as session:
            return b"".join(
                bytes(part) for row in session.execute("SELECT digest, holder, sealed FROM kairos.console_session")
                for part in row
            )

    return Stored(lambda: PostgresqlSessions(url), everything)
