"""Both stores of keys and of refusals, each behind the same few words, with what harm can be done to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.postgres import PostgresServer

from actors.access import KEYS_FILE, AccessStore, FileAccess
from actors.access.denials.file_denials import AUDIT_FOLDER, FileDenials
from actors.access.denials.interface import DenialStore
from actors.access.denials.postgresql_denials import PostgresqlDenials
from actors.access.postgresql_access import PostgresqlAccess


@dataclass
class Keys:
    """``another`` opens the same store once more, as another process would."""

    open: Callable[[], AccessStore]
    damage: Callable[[], None]
    everything: Callable[[], str]
    opened: list[AccessStore] = field(default_factory=list)

    def another(self) -> AccessStore:
        self.opened.append(self.open())
        return self.opened[-1]


@dataclass
class Denials:
    """``rewrite``: rows ``[seq, hash, text]`` of a chain -> what is to stand there instead."""

    open: Callable[[], DenialStore]
    rewrite: Callable[[str, Callable[[list[list[Any]]], list[list[Any]]]], None]
    lose_head: Callable[[str], None]
    opened: list[DenialStore] = field(default_factory=list)

    def another(self) -> DenialStore:
        self.opened.append(self.open())
        return self.opened[-1]


@pytest.fixture(params=["file", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    if kind == "file":
        yield ""
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    made = server.fresh_database()
    yield made
    server.drop(made)


@pytest.fixture
def keys(kind: str, url: str, tmp_path: Path) -> Iterator[Keys]:
    found = _keys_in_file(tmp_path) if kind == "file" else _keys_in_tables(url)
    yield found
    for store in found.opened:
        store.close()


@pytest.fixture
def denials(kind: str, url: str, tmp_path: Path) -> Iterator[Denials]:
    found = _denials_in_files(tmp_path) if kind == "file" else _denials_in_tables(url)
    yield found
    for store in found.opened:
        store.close()


def _keys_in_file(data_dir: Path) -> Keys:
    path = data_dir / KEYS_FILE
    return Keys(lambda: FileAccess(data_dir), lambda: _put(path, "{"), path.read_text)


def _keys_in_tables(url: str) -> Keys:
    def damage() -> None:
        with psycopg.connect(url) as session:
            session.execute("UPDATE kairos.access_key SET record = '{'")
            session.execute("UPDATE kairos.access_change SET version = version + 1")

    def everything() -> str:
        with psycopg.connect(url) as session:
            return str(session.execute("SELECT * FROM kairos.access_key").fetchall())

    return Keys(lambda: PostgresqlAccess(url), damage, everything)


def _denials_in_files(data_dir: Path) -> Denials:
    folder = data_dir / AUDIT_FOLDER

    def rewrite(chain: str, change: Callable[[list[list[Any]]], list[list[Any]]]) -> None:
        path = folder / f"{chain}.jsonl"
        rows = change([json.loads(line) for line in path.read_text().splitlines()])
        _put(path, "".join(json.dumps(row) + "\n" for row in rows))

    return Denials(lambda: FileDenials(data_dir), rewrite, lambda chain: (folder / "heads" / chain).unlink())


def _denials_in_tables(url: str) -> Denials:
    def rewrite(chain: str, change: Callable[[list[list[Any]]], list[list[Any]]]) -> None:
        with psycopg.connect(url) as session:
            found = session.execute(
                "SELECT seq, hash, body FROM kairos.denial WHERE chain = %s ORDER BY seq", (chain,)
            ).fetchall()
            session.execute("DELETE FROM kairos.denial WHERE chain = %s", (chain,))
            for row in change([list(row) for row in found]):
                session.execute("INSERT INTO kairos.denial (chain, seq, hash, body) VALUES (%s, %s, %s, %s)", (
                    chain, *row,
                ))

    def lose_head(chain: str) -> None:
        with psycopg.connect(url) as session:
            session.execute("DELETE FROM kairos.denial_head WHERE chain = %s", (chain,))

    return Denials(lambda: PostgresqlDenials(url), rewrite, lose_head)


def _put(path: Path, text: str) -> None:
    path.write_text(text)
