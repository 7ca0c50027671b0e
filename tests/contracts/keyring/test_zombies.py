"""PostgreSQL, which processes share: a keyring whose owner was fenced makes nothing and destroys nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.postgres import PostgresServer

from actors.naming import shard_owner
from actors.shard.store import ShardStore
from actors.stores.postgresql import PostgresqlStore
from models import limits
from models.errors import Fenced

A, B = b"a" * 16, b"b" * 16
NOW_MS = 1_796_000_000_000


@pytest.fixture
def store(postgres: PostgresServer, tmp_path: Path) -> PostgresqlStore:
    made = PostgresqlStore(postgres.fresh_database(), tmp_path)
    made.install(1, limits.SLOTS)
    return made


def owner_of(store: PostgresqlStore) -> ShardStore:
    opened = store.shard_store(0)
    opened.journal.take_over("test")
    return opened


def append(opened: ShardStore) -> None:
    opened.journal.append(os.urandom(16), b"a turn")


def test_a_zombie_makes_no_key_and_destroys_none(store: PostgresqlStore) -> None:
    zombie = owner_of(store)
    zombie.keyring.make([(A, 1)], NOW_MS)
    append(zombie)
    heir = owner_of(store)
    zombie.keyring.make([(B, 1)], NOW_MS)
    with pytest.raises(Fenced):
        append(zombie)
    with pytest.raises(Fenced):
        zombie.keyring.destroy([(A, 1)], NOW_MS)
    assert set(heir.keyring.keys([(A, 1), (B, 1)])) == {(A, 1)}
    assert heir.keyring.destroyed([A]) == {}
    for opened in (zombie, heir):
        opened.close()


def test_a_zombie_makes_no_wrapping_key(store: PostgresqlStore) -> None:
    zombie = owner_of(store)
    heir = owner_of(store)
    with pytest.raises(Fenced):
        zombie.keyring.make([(A, 1)], NOW_MS)
    assert store._wrapping_keys() == []
    for opened in (zombie, heir):
        opened.close()


def test_a_key_is_in_the_store_with_its_turn_and_not_before(store: PostgresqlStore) -> None:
    opened, reader = owner_of(store), store.keyring(shard_owner(0))
    made = opened.keyring.make([(A, 1)], NOW_MS)
    assert reader.keys([(A, 1)]) == {}
    append(opened)
    assert reader.keys([(A, 1)]) == made
    opened.close()
    reader.close()


def test_a_key_waits_for_the_next_turn_when_its_own_is_refused(store: PostgresqlStore) -> None:
    opened = owner_of(store)
    made = opened.keyring.make([(A, 1)], NOW_MS)  # its turn fails before the append
    assert opened.keyring.make([(A, 1), (B, 1)], NOW_MS)[A, 1] == made[A, 1]
    append(opened)
    opened.close()
    reader = store.keyring(shard_owner(0))
    assert set(reader.keys([(A, 1), (B, 1)])) == {(A, 1), (B, 1)}
    reader.close()


def test_shards_keep_their_keys_apart(store: PostgresqlStore) -> None:
    opened = owner_of(store)
    opened.keyring.make([(A, 1)], NOW_MS)
    append(opened)
    other = store.keyring(shard_owner(1))
    assert other.keys([(A, 1)]) == {}
    other.close()
    opened.close()
