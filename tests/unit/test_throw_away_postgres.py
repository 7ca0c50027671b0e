"""The throw-away PostgreSQL server that other suites rest on."""

from __future__ import annotations

import psycopg
import pytest
from support.postgres import PostgresServer, without_password


def test_a_database_needs_the_password_and_belongs_to_an_ordinary_role(postgres: PostgresServer) -> None:
    url = postgres.fresh_database()
    with postgres.session(url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
        connection.execute("CREATE TABLE mine (x int)")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(without_password(url), connect_timeout=5)
    postgres.drop(url)


def test_what_was_committed_survives_a_kill_of_the_server(postgres: PostgresServer) -> None:
    server = PostgresServer()
    try:
        server.start()
        url = server.fresh_database()
        with server.session(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS x")
        server.kill()
        server.start()
        with server.session(url) as connection:
            assert connection.execute("SELECT x FROM kept").fetchone() == (7,)
    finally:
        server.remove()
    assert postgres.answers()
