"""Addresses of PostgreSQL stores: which are taken, and what of them may be shown."""

from __future__ import annotations

import pytest

from actors.postgresql.address import check_url, password_in, remedy, without_password
from models.errors import BadInput

PASSWORD = "p@ss:w/rd&é"
QUOTED = "p%40ss%3Aw%2Frd%26%C3%A9"


@pytest.mark.parametrize("url", [
    "postgresql://kairos@db/shop", "postgres://db:5432/shop", "postgresql://kairos@a:1,b:2/shop?sslmode=verify-full",
    "postgresql://kairos@[::1]:5432/shop", "postgresql:///shop?host=/run/postgresql", "postgresql://db?dbname=shop",
])
def test_an_address_with_a_host_and_a_database_is_taken(url: str) -> None:
    assert check_url(url) == url
    assert without_password(url) == url
    assert password_in(url) is None


@pytest.mark.parametrize(("url", "said"), [
    ("mysql://db/shop", "no PostgreSQL address"), ("shop", "no PostgreSQL address"),
    ("postgresql://db", "names no database"), ("postgresql://db/", "names no database"),
    ("postgresql:///shop", "names no host"),
])
def test_what_is_no_address_is_refused_with_an_example(url: str, said: str) -> None:
    with pytest.raises(BadInput, match=f"{said}.*postgresql://user@host:5432/database"):
        check_url(url)


@pytest.mark.parametrize(("url", "shown"), [
    (f"postgresql://kairos:{QUOTED}@db:5432/shop", "postgresql://kairos@db:5432/shop"),
    (f"postgresql://kairos:{QUOTED}@a:1,b:2/shop?sslmode=require", "postgresql://kairos@a:1,b:2/shop?sslmode=require"),
    (f"postgresql://kairos@db/shop?password={QUOTED}", "postgresql://kairos@db/shop"),
    (f"postgresql://db/shop?user=kairos&password={QUOTED}&sslmode=require",
     "postgresql://db/shop?user=kairos&sslmode=require"),
])
def test_a_password_is_found_wherever_it_stands_and_never_shown(url: str, shown: str) -> None:
    assert password_in(url) == PASSWORD
    assert without_password(url) == shown


def test_a_wrong_address_shows_no_password_in_its_error() -> None:
    with pytest.raises(BadInput) as raised:
        check_url("postgresql://kairos:hush@db")
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(("said", "advice"), [
    ('connection to server at "db", port 5432 failed: Connection refused', "start the server"),
    ('FATAL:  password authentication failed for user "kairos"', "PGPASSWORD"),
    ("fe_sendauth: no password supplied", "PGPASSWORD"),
    ('FATAL:  database "shop" does not exist', "CREATE DATABASE"),
    ("session is read-only", "primary"), ("something never seen", ""),
])
def test_a_failed_connection_says_what_to_do(said: str, advice: str) -> None:
    assert advice in remedy(said)
    assert bool(remedy(said)) is bool(advice)


def test_an_argument_of_a_command_is_shown_without_its_password() -> None:
    assert without_password("--store=postgresql://kairos:hush@db/shop") == "--store=postgresql://kairos@db/shop"
    for other in ("--store", "sqlite", "--data-dir=/a:b@c", "up"):
        assert without_password(other) == other
