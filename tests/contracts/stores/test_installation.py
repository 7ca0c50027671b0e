"""What is chosen once: it is made once, by however many, and stands afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from contracts.stores.conftest import OpenStore, at_once

from actors.stores.interface import Installation
from models import limits
from models.errors import BadInput, KairosError, MasterKeyFailed


def test_there_is_none_until_it_is_made_and_then_always_the_same(open_: OpenStore) -> None:
    assert open_().read_installation() is None
    made = open_().install(3, limits.SLOTS)
    assert (made.shards, made.slots, made.store) == (3, limits.SLOTS, open_().kind)
    assert open_().read_installation() == made
    assert open_().install(None, limits.SLOTS) == made
    assert open_().install(3, limits.SLOTS) == made


def test_the_number_of_shards_has_a_default_of_each_store(open_: OpenStore) -> None:
    default = limits.SHARDS_POSTGRESQL if open_().shards_may_move else limits.SHARDS_EMBEDDED
    assert open_().install(None, limits.SLOTS).shards == default


@pytest.mark.parametrize(("shards", "slots", "said"), [
    (4, limits.SLOTS, "with 3 shards, not 4; start it without --shards"), (None, 7, "another version"),
])
def test_other_numbers_are_refused_and_change_nothing(
    open_: OpenStore, shards: int | None, slots: int, said: str
) -> None:
    made = open_().install(3, limits.SLOTS)
    with pytest.raises(BadInput, match=said):
        open_().install(shards, slots)
    assert open_().read_installation() == made


def test_many_who_install_at_once_make_one_installation_and_one_secret(open_: OpenStore) -> None:
    def first() -> tuple[Installation, bytes]:
        store = open_()
        return store.install(None, limits.SLOTS), store.secret()

    found = at_once([first] * 8)
    assert len(found) == 8
    assert len(set(found)) == 1


def test_the_secret_stays_and_lies_nowhere_as_it_is(open_: OpenStore, tmp_path: Path) -> None:
    open_().install(1, limits.SLOTS)
    secret = open_().secret()
    assert len(secret) == 32
    assert open_().secret() == secret
    assert all(secret not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_secret_that_is_not_there_is_an_error(open_: OpenStore) -> None:
    with pytest.raises(KairosError, match=r"customer\.secret is missing|holds no installation"):
        open_().secret()


def test_another_master_key_is_refused_and_both_are_named(open_: OpenStore) -> None:
    store = open_()
    store.install(1, limits.SLOTS)
    old = store.master.read().newest
    assert store.master.file is not None
    store.master.file.unlink()
    store.master.make()
    new = store.master.read().newest
    for call in (store.secret, lambda: store.install(None, limits.SLOTS)):
        with pytest.raises(MasterKeyFailed, match=f"with master key {old}, which is not in .* {new}"):
            call()


def test_a_lost_master_key_is_no_reason_to_make_another(open_: OpenStore) -> None:
    store = open_()
    store.install(1, limits.SLOTS)
    assert store.master.file is not None
    store.master.file.unlink()
    with pytest.raises(MasterKeyFailed, match="restore it from a backup"):
        open_().install(None, limits.SLOTS)
    assert not store.master.file.exists()


def test_a_second_node_needs_the_same_master_key_and_gets_the_same_secret(postgresql: OpenStore) -> None:
    first = postgresql()
    first.install(1, limits.SLOTS)
    second = postgresql("two")
    with pytest.raises(MasterKeyFailed, match="no master key"):
        second.secret()
    assert first.master.file is not None
    assert second.master.file is not None
    second.master.file.parent.mkdir()
    second.master.file.touch(0o600)
    second.master.file.write_bytes(first.master.file.read_bytes())
    assert second.secret() == first.secret()
