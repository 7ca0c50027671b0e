"""Profiles, index entries, checkpoints, due timers and truncation."""

from __future__ import annotations

from itertools import pairwise

import pytest

from actors.journal.interface import Base, Checkpoint, FlushBatch, IndexEntry, Journal, StoredProfile
from models import limits
from models.errors import JournalFailed

A, B, C = b"a" * 16, b"b" * 16, b"c" * 16


def _profile(customer: bytes, seq: int = 1, due_ms: int = 0) -> StoredProfile:
    return StoredProfile(customer, seq, 1, b"sealed %d" % seq, due_ms)


def _append(journal: Journal, count: int) -> None:
    for number in range(count):
        journal.append((journal.last_seq + 1).to_bytes(16, "big"), b"payload", at_ms=number)


def test_the_newest_flush_of_a_customer_is_what_loads(journal: Journal) -> None:
    journal.flush(FlushBatch(profiles=[_profile(A, 1), _profile(B, 1)]))
    journal.flush(FlushBatch(profiles=[_profile(A, 2)]))
    assert journal.load_profiles([A, B, C]) == {A: _profile(A, 2), B: _profile(B, 1)}


def test_more_customers_load_than_a_statement_has_variables(journal: Journal) -> None:
    profiles = [_profile(number.to_bytes(16, "big")) for number in range(1_100)]
    journal.flush(FlushBatch(profiles=profiles))
    assert len(journal.load_profiles([p.customer for p in profiles])) == 1_100


def test_an_erased_customer_has_neither_stored_nor_base_profile(journal: Journal) -> None:
    _append(journal, 2)
    journal.complete_checkpoint(Checkpoint(2, 0, b"state"))
    journal.truncate(2, Base(1, 0, b"base", profiles=[_profile(A), _profile(B)]))
    journal.flush(FlushBatch(profiles=[_profile(A)]))
    journal.flush(FlushBatch(erased=[A]))
    assert journal.load_profiles([A]) == {}
    assert journal.base_profiles([A, B]) == {B: _profile(B)}


def test_due_timers_come_earliest_first_and_leave_when_the_profile_says_so(journal: Journal) -> None:
    journal.flush(FlushBatch(profiles=[_profile(A, 1, 300), _profile(B, 1, 100), _profile(C, 1, 0)]))
    assert journal.due(299, 10) == [(100, B)]
    assert journal.due(300, 10) == [(100, B), (300, A)]
    assert journal.due(300, 1) == [(100, B)]
    journal.flush(FlushBatch(profiles=[_profile(B, 2, 0)]))
    assert journal.due(10_000, 10) == [(300, A)]


def test_keys_are_found_by_customer_and_key_until_they_are_dropped(journal: Journal) -> None:
    period = limits.KEY_PERIOD_MS
    old, new = (IndexEntry(A, key, 1, at_ms, b"f" * 16, b"") for key, at_ms in ((b"old", period - 1), (b"new", period)))
    journal.flush(FlushBatch(keys=[old, new]))
    assert journal.load_keys([(A, b"old"), (A, b"new"), (B, b"old")]) == {(A, b"old"): old, (A, b"new"): new}
    assert journal.drop_keys(period - 1, 10) == 0
    assert journal.drop_keys(period + 5, 10) == 1
    assert journal.load_keys([(A, b"old"), (A, b"new")]) == {(A, b"new"): new}
    assert journal.drop_keys(period + 5, 10) == 0


def test_keys_are_dropped_a_few_at_a_time(journal: Journal) -> None:
    keys = [IndexEntry(A, bytes([n]), 1, n, b"f" * 16, b"") for n in range(5)]
    journal.flush(FlushBatch(keys=keys))
    assert [journal.drop_keys(limits.KEY_PERIOD_MS, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert journal.load_keys((A, key.key) for key in keys) == {}


def test_a_key_that_is_bound_again_later_is_the_later_one(journal: Journal) -> None:
    again = [IndexEntry(A, b"key", seq, seq * limits.KEY_PERIOD_MS, b"f" * 16, b"") for seq in (1, 2, 3)]
    journal.flush(FlushBatch(keys=[again[2]]))
    journal.flush(FlushBatch(keys=again[:2]))
    assert journal.load_keys([(A, b"key")]) == {(A, b"key"): again[2]}


def test_rows_of_a_customer_are_listed_newest_first(journal: Journal) -> None:
    journal.flush(FlushBatch(touched=[(A, [1, 3]), (B, [2])]))
    for _ in range(2):
        journal.flush(FlushBatch(touched=[(A, [5, 8])]))
    journal.flush(FlushBatch(touched=[(A, [5, 8, 9])]))
    assert journal.rows_of(A, None, 10) == [9, 8, 5, 3, 1]
    assert journal.rows_of(A, 8, 3) == [5, 3, 1]
    assert journal.rows_of(A, 9, 2) == [8, 5]
    assert journal.rows_of(A, 6, 10, after_seq=3) == [5]
    assert journal.rows_of(B, None, 10) == [2]
    assert journal.rows_of(C, None, 10) == []


def test_rows_of_a_customer_are_listed_a_page_at_a_time(journal: Journal) -> None:
    for first in range(1, 60, 3):
        journal.flush(FlushBatch(touched=[(A, [first, first + 1, first + 2])]))
    for limit in (1, 2, 5, 60):
        listed: list[int] = []
        while page := journal.rows_of(A, listed[-1] if listed else None, limit):
            assert len(page) <= limit
            listed += page
        assert listed == list(range(60, 0, -1))


def test_a_checkpoint_reads_back_and_the_newest_one_counts(journal: Journal) -> None:
    assert journal.checkpoint() is None
    _append(journal, 9)
    journal.complete_checkpoint(Checkpoint(4, 40, b"four"))
    journal.complete_checkpoint(Checkpoint(9, 90, b"nine"))
    assert journal.checkpoint() == Checkpoint(9, 90, b"nine")


def test_checkpoints_are_kept_only_where_they_are_far_enough_apart(journal: Journal) -> None:
    _append(journal, 12)
    for seq in range(1, 13):
        journal.complete_checkpoint(Checkpoint(seq, seq * 10, b"state"), keep_apart_ms=40)
    kept = []
    bound: int | None = None
    while (checkpoint := journal.checkpoint(bound)) is not None:
        kept.append(checkpoint.seq)
        bound = checkpoint.seq - 1
    assert kept[0] == 12
    assert kept[-1] == 1
    assert all(newer - older >= 4 for newer, older in pairwise(kept[1:]))
    assert len(kept) <= 5


def test_truncation_needs_a_checkpoint_that_covers_it(journal: Journal) -> None:
    _append(journal, 5)
    with pytest.raises(JournalFailed, match="no checkpoint covers"):
        journal.truncate(3)
    journal.complete_checkpoint(Checkpoint(2, 0, b"state"))
    assert journal.truncate(3) == 2
    with pytest.raises(JournalFailed, match="no checkpoint covers"):
        journal.truncate(4)
    assert [row.seq for row in journal.rows(0)] == [3, 4, 5]
    assert journal.oldest_seq() == 3


def test_truncation_leaves_a_base_from_which_the_rest_can_be_folded(journal: Journal) -> None:
    _append(journal, 4)
    journal.flush(FlushBatch(touched=[(A, [1]), (A, [2, 4])]))
    journal.complete_checkpoint(Checkpoint(4, 0, b"state"))
    assert journal.base() is None
    journal.truncate(3, Base(2, 7, b"base state", profiles=[_profile(A, 2), _profile(B, 1)]))
    assert journal.base() == Base(2, 7, b"base state")
    assert journal.rows_of(A, None, 10) == [4]
    assert journal.base_page(b"", 1) == [_profile(A, 2)]
    assert journal.base_page(A, 10) == [_profile(B, 1)]
