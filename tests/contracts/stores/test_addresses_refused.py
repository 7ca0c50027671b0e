"""A PostgreSQL that cannot serve as a store says why, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.postgres import ADMIN, PostgresServer
from support.server import free_port

from actors.postgresql import connection as connections
from actors.stores.postgresql import PostgresqlStore
from models import limits
from models.errors import KairosError


def installing(url: str, data_dir: Path) -> Callable[[], object]:
    return lambda: PostgresqlStore(url, data_dir).install(None, limits.SLOTS)


@pytest.fixture(autouse=True)
def no_password_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", "/nonexistent")


def test_nobody_listens_there(tmp_path: Path) -> None:
    with pytest.raises(KairosError, match="start the server, or correct host and port"):
        installing(f"postgresql://kairos@127.0.0.1:{free_port()}/shop", tmp_path)()


def test_a_host_that_has_no_address(tmp_path: Path) -> None:
    with pytest.raises(KairosError, match="correct the host"):
        installing("postgresql://kairos@nowhere.invalid/shop", tmp_path)()


@pytest.mark.parametrize("password", ["", ":wrong"])
def test_a_wrong_password_or_none_is_told_apart_from_silence_and_not_repeated(
    postgres: PostgresServer, tmp_path: Path, password: str
) -> None:
    url = postgres.fresh_database().replace(f":{postgres.password}", password)
    with pytest.raises(KairosError, match="PGPASSWORD or PGPASSFILE") as raised:
        installing(url, tmp_path)()
    assert ":wrong" not in str(raised.value)


def test_a_database_that_is_not_there(postgres: PostgresServer, tmp_path: Path) -> None:
    with pytest.raises(KairosError, match="CREATE DATABASE"):
        installing(postgres.url_of("nowhere"), tmp_path)()


def test_a_release_that_is_too_old(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SERVER_VERSION_MIN", 990_000)
    with pytest.raises(KairosError, match="needs 14 or later"):
        installing(postgres.fresh_database(), tmp_path)()


def test_a_server_that_may_not_be_written(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.fresh_database()
    with postgres.session() as session:
        session.execute(f'ALTER DATABASE "{url.rpartition("/")[2]}" SET default_transaction_read_only = on')
    with pytest.raises(KairosError, match="name the primary"):
        installing(url, tmp_path)()


def test_a_server_that_would_lose_what_it_acknowledged(tmp_path: Path, postgres: PostgresServer) -> None:
    unsafe = PostgresServer({"fsync": "off"})
    try:
        unsafe.start()
        with pytest.raises(KairosError, match="fsync = off and would lose"):
            installing(unsafe.url_of("postgres", user=ADMIN), tmp_path)()
    finally:
        unsafe.remove()
