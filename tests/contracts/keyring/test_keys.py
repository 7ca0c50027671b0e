"""What erasing a customer rests on: keys are made once, kept wrapped, destroyed for good, and remembered as such."""

from __future__ import annotations

import pytest
from contracts.keyring.conftest import Place

from actors.journal.keyring import StoredKey
from actors.stores.wrapping import month_of, wrapping_context
from models import limits
from models.errors import JournalFailed, MasterKeyFailed

A, B, C = b"a" * 16, b"b" * 16, b"c" * 16
NOW_MS = 1_796_000_000_000  # 2026-11-29
LATER_MS = NOW_MS + 5 * limits.DAY_MS


def test_keys_are_made_once_and_survive_a_reopening(place: Place) -> None:
    ring = place.open()
    made = ring.make([(A, 1), (B, 1), (A, 1)], NOW_MS)
    assert set(made) == {(A, 1), (B, 1)}
    assert made[A, 1] != made[B, 1]
    place.settle(ring)
    ring.close()
    ring = place.open()
    assert ring.make([(A, 1)], LATER_MS) == {(A, 1): made[A, 1]}
    assert ring.keys([(A, 1), (A, 2)]) == {(A, 1): made[A, 1]}
    ring.close()


def test_no_key_lies_in_the_store_as_it_is(place: Place) -> None:
    ring = place.open()
    key = ring.make([(A, 1)], NOW_MS)[A, 1]
    place.settle(ring)
    ring.close()
    (wrapped,) = place.wrapping_keys().values()
    wrapping = place.master.read().unwrap(wrapped, wrapping_context(place.owner, month_of(NOW_MS)), "it")
    assert key is not None
    for secret in (key, wrapping, *place.master.read().keys.values()):
        assert secret not in place.content()


def test_a_destroyed_key_is_nowhere_any_more(place: Place) -> None:
    ring = place.open()
    ring.make([(A, 1), (A, 2), (B, 1)], NOW_MS)
    place.settle(ring)
    first, second = (one.wrapped for one in ring.table.find([(A, 1), (A, 2)]).stored)
    assert first in place.content()
    ring.destroy([(A, 1)], 5)
    assert first not in place.content()
    assert second in place.content()
    assert ring.key(A, 1) is None
    assert ring.key(A, 2) is not None
    ring.close()


def test_destroying_again_changes_nothing_and_is_remembered(place: Place) -> None:
    ring = place.open()
    ring.make([(A, 1), (A, 2)], NOW_MS)
    place.settle(ring)
    ring.destroy([(A, 2)], 7)
    ring.destroy([(A, 2), (A, 1)], 9)
    ring.close()
    ring = place.open()
    assert ring.keys([(A, 1), (A, 2)]) == {(A, 1): None, (A, 2): None}
    assert ring.make([(A, 2)], LATER_MS) == {(A, 2): None}
    assert ring.destroyed([A, B]) == {A: (2, 7)}
    ring.close()


def test_after_an_erasure_the_next_generation_gets_a_key_of_its_own(place: Place) -> None:
    ring = place.open()
    ring.make([(A, 1)], NOW_MS)
    place.settle(ring)
    ring.destroy([(A, 1)], 5)
    again = ring.make([(A, 2)], NOW_MS)[A, 2]
    place.settle(ring)
    ring.close()
    ring = place.open()
    assert ring.keys([(A, 1), (A, 2)]) == {(A, 1): None, (A, 2): again}
    ring.close()


def test_a_key_that_was_never_destroyed_but_is_missing_is_no_erasure(place: Place) -> None:
    ring = place.open()
    with pytest.raises(JournalFailed, match="is missing"):
        ring.key(A, 1)
    ring.close()


def test_a_month_has_one_wrapping_key_and_the_next_month_another(place: Place) -> None:
    ring = place.open()
    made = ring.make([(A, 1)], NOW_MS) | ring.make([(B, 1)], NOW_MS + 1) | ring.make([(C, 1)], LATER_MS)
    place.settle(ring)
    ring.close()
    assert sorted(place.wrapping_keys()) == [202611, 202612]
    ring = place.open()
    assert ring.keys([(A, 1), (B, 1), (C, 1)]) == made
    ring.close()


def test_a_wrapped_key_opens_for_no_other_customer_or_generation(place: Place) -> None:
    ring = place.open()
    ring.make([(A, 1)], NOW_MS)
    place.settle(ring)
    (stored,) = ring.table.find([(A, 1)]).stored
    ring.table.add([StoredKey(B, 1, stored.month, stored.wrapped), StoredKey(A, 2, stored.month, stored.wrapped)])
    place.settle(ring)
    for owner in ((B, 1), (A, 2)):
        with pytest.raises(JournalFailed, match="damaged"):
            ring.key(*owner)
    ring.close()


def test_keys_open_under_any_wrapping_of_their_months_key(place: Place) -> None:
    ring = place.open()
    made = ring.make([(A, 1)], NOW_MS)
    place.settle(ring)
    ring.close()
    (wrapped,) = place.wrapping_keys().values()
    place.master.add()
    assert place.rewrap() == 2  # and the secret
    assert place.rewrap() == 0
    assert wrapped not in place.content()
    ring = place.open()
    assert ring.keys([(A, 1)]) == made
    ring.close()


def test_without_the_master_key_nothing_opens_and_the_error_names_it(place: Place) -> None:
    ring = place.open()
    ring.make([(A, 1)], NOW_MS)
    place.settle(ring)
    ring.close()
    before = place.master.read().newest
    assert place.master.file is not None
    place.master.file.unlink()
    place.master.make()
    ring = place.open()
    with pytest.raises(MasterKeyFailed, match=f"{before}, which is not in .*master.key"):
        ring.keys([(A, 1)])
    ring.close()


def test_a_second_wrapping_key_of_a_month_gives_way_to_the_first(place: Place) -> None:
    ring = place.open()
    assert ring.table.add_wrapping_key(202611, b"first") == b"first"
    assert ring.table.add_wrapping_key(202611, b"second") == b"first"
    assert ring.table.wrapping_key(202611) == b"first"
    ring.close()


def test_many_customers_are_looked_up_at_once(place: Place) -> None:
    owners = [(number.to_bytes(16, "big"), 1) for number in range(1_200)]
    ring = place.open()
    made = ring.make(owners, NOW_MS)
    place.settle(ring)
    ring.destroy(owners[:600], 3)
    ring.close()
    ring = place.open()
    found = ring.keys(owners)
    assert all(found[owner] is None for owner in owners[:600])
    assert all(found[owner] == made[owner] for owner in owners[600:])
    assert len(ring.destroyed([customer for customer, _ in owners])) == 600
    ring.close()
