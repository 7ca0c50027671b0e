"""What a store keeps: journals and keyrings by their owners, scorers, and under which master key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from contracts.stores.conftest import OpenStore, at_once
from support.trained_scorers import trained

from actors.naming import COORDINATOR_OWNER, INSIGHT_OWNER, shard_owner
from actors.scorer_registry import UnknownScorerError
from actors.stores.interface import Store
from actors.stores.master_key import MasterKeys
from models import limits
from models.errors import BadInput, MasterKeyFailed

A = b"a" * 16
NOW_MS = 1_796_000_000_000


@pytest.fixture
def store(open_: OpenStore) -> Store:
    made = open_()
    made.install(2, limits.SLOTS)
    return made


def fill(store: Store, shard: int = 0, at_ms: int = NOW_MS) -> bytes | None:
    """A turn and the key that it needs; the key."""
    opened = store.shard_store(shard)
    opened.journal.take_over("test")
    made = opened.keyring.make([(A, 1)], at_ms)
    opened.journal.append(os.urandom(16), b"a turn")
    opened.close()
    return made[A, 1]


def test_each_owner_has_a_journal_and_keys_of_its_own(store: Store, open_: OpenStore) -> None:
    key = fill(store)
    found = open_().shard_store(0)
    assert [row.payload for row in found.journal.rows(0)] == [b"a turn"]
    assert found.keyring.keys([(A, 1)]) == {(A, 1): key}
    found.close()
    other = store.shard_store(1)
    assert list(other.journal.rows(0)) == []
    assert other.keyring.keys([(A, 1)]) == {}
    other.close()
    for owner in (COORDINATOR_OWNER, INSIGHT_OWNER):
        journal = store.journal(owner)
        assert list(journal.rows(0)) == []
        journal.take_over(owner)
        journal.append(b"0" * 16, owner.encode())
        journal.close()
    for owner in (COORDINATOR_OWNER, INSIGHT_OWNER):
        journal = store.journal(owner)
        assert [row.payload for row in journal.rows(0)] == [owner.encode()]
        journal.close()


def test_a_keyring_opens_without_its_journal(store: Store) -> None:
    key = fill(store)
    ring = store.keyring(shard_owner(0))
    assert ring.key(A, 1) == key
    ring.close()


def test_a_journal_is_there_once_it_was_opened(store: Store) -> None:
    fill(store)
    assert store.has_journal(shard_owner(0))


def test_scorers_are_registered_once_and_read_back_verified(store: Store, open_: OpenStore) -> None:
    one, two = trained(1), trained(2)
    for scorer in (one, two, one):
        store.scorers().register(scorer.model, scorer.manifest)
    again = open_().scorers()
    assert [manifest.version for manifest in again.manifests()] == sorted(
        (one.manifest.version, two.manifest.version), key=lambda version: (
            again.manifest(version).created_ms, version)
    )
    assert again.newest() in (one.manifest, two.manifest)
    assert again.manifest(one.manifest.version) == one.manifest
    assert again.load(one.manifest.version).trees > 0
    with pytest.raises(UnknownScorerError):
        again.manifest("sc-none")
    with pytest.raises(UnknownScorerError):
        again.load("sc-none")


def test_a_scorer_whose_file_does_not_fit_is_never_registered(store: Store) -> None:
    with pytest.raises(BadInput):
        store.scorers().register(trained(1).model, trained(2).manifest)
    assert store.scorers().manifests() == []


def test_a_node_fetches_a_scorer_once_and_again_when_its_copy_is_damaged(
    postgresql: OpenStore, tmp_path: Path
) -> None:
    postgresql().install(1, limits.SLOTS)
    one = trained(1)
    postgresql().scorers().register(one.model, one.manifest)
    version = one.manifest.version
    there = postgresql("two").scorers()
    copy = tmp_path / "two" / "scorers" / version / one.manifest.file
    assert there.manifest(version) == one.manifest
    assert not copy.exists()
    there.load(version)
    assert copy.read_bytes() == one.model
    copy.write_bytes(b"damaged")
    postgresql("two").scorers().load(version)
    assert copy.read_bytes() == one.model


def test_many_who_fetch_one_scorer_at_once_all_get_it(open_: OpenStore, tmp_path: Path) -> None:
    open_().install(1, limits.SLOTS)
    one = trained(1)
    version = one.manifest.version

    def fetch() -> str:
        scorers = open_().scorers()
        scorers.register(one.model, one.manifest)
        scorers.load(version)
        return version

    assert at_once([fetch] * 8) == [version] * 8
    assert [path.name for path in (tmp_path / "one" / "scorers").iterdir()] == [version]


def test_a_new_master_key_takes_over_all_that_an_old_one_wrapped(store: Store, open_: OpenStore) -> None:
    secret, key = store.secret(), fill(store)
    fill(store, shard=1)
    old = store.master.read().newest
    assert store.wrapped() == {old: 3}
    new = store.master.add().newest
    assert store.wrapped() == {old: 3}
    assert store.rewrap() == 3
    assert store.rewrap() == 0
    assert store.wrapped() == {new: 3}
    assert store.master.file is not None
    store.master.file.write_bytes(store.master.file.read_bytes().splitlines(keepends=True)[0])
    assert list(open_().master.read().keys) == [new]
    assert open_().secret() == secret
    opened = open_().shard_store(0)
    assert opened.keyring.key(A, 1) == key
    opened.close()


class InterruptedHere(Exception):
    """The process ends at this point."""


@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_rotation_that_was_interrupted_is_finished_by_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    secret, key = store.secret(), fill(store)
    fill(store, shard=1)
    store.master.add()
    wrap, left = MasterKeys.wrap, iter([True] * done)

    def some(keys: MasterKeys, plain: bytes, context: bytes) -> bytes:
        if not next(left, False):
            raise InterruptedHere
        return wrap(keys, plain, context)

    with monkeypatch.context() as patched:
        patched.setattr(MasterKeys, "wrap", some)
        with pytest.raises(InterruptedHere):
            store.rewrap()
    assert store.secret() == secret
    assert store.rewrap() == 3 - done
    assert list(store.wrapped().values()) == [3]
    opened = store.shard_store(0)
    assert opened.keyring.key(A, 1) == key
    opened.close()


def test_without_the_old_key_a_rotation_says_which_is_missing_and_changes_nothing(store: Store) -> None:
    fill(store)
    old = store.master.read().newest
    before = store.wrapped()
    assert store.master.file is not None
    store.master.file.unlink()
    store.master.make()
    with pytest.raises(MasterKeyFailed, match=old):
        store.rewrap()
    assert store.wrapped() == before
