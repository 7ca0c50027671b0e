"""What an append promises, and how one owner fences another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.journal.interface import Base, Checkpoint, FlushBatch, IndexEntry, Journal, StoredProfile
from models import limits
from models.errors import Fenced, Superseded


def test_rows_come_back_in_order_as_they_were_appended(journal: Journal) -> None:
    for number in range(1, 6):
        assert journal.append(bytes([number]) * 16, f"turn {number}".encode(), at_ms=number * 10) == number
    rows = list(journal.rows(2))
    assert [(row.seq, row.payload, row.at_ms) for row in rows] == [
        (3, b"turn 3", 30), (4, b"turn 4", 40), (5, b"turn 5", 50),
    ]
    assert [row.seq for row in journal.rows(0, limit=2)] == [1, 2]
    assert journal.row(4) == rows[1]
    assert journal.row(6) is None
    assert journal.oldest_seq() == 1


def test_each_take_over_raises_the_epoch_and_continues_the_sequence(make_owner: Callable[[], Journal]) -> None:
    first = make_owner()
    assert first.take_over("one") == 1
    first.append(b"a" * 16, b"x")
    second = make_owner()
    assert second.take_over("two") == 2
    assert second.last_seq == 1
    assert second.append(b"b" * 16, b"y") == 2
    assert [row.epoch for row in second.rows(0)] == [1, 2]


def test_an_earlier_owner_is_fenced_from_every_write_and_from_confirming(make_owner: Callable[[], Journal]) -> None:
    zombie, owner = make_owner(), make_owner()
    zombie.take_over("zombie")
    zombie.append(b"a" * 16, b"before")
    owner.take_over("owner")
    with pytest.raises(Fenced):
        zombie.append(b"b" * 16, b"after")
    with pytest.raises(Fenced):
        zombie.confirm()
    with pytest.raises(Fenced):
        zombie.flush(FlushBatch(profiles=[StoredProfile(b"c" * 16, 1, 1, b"stale", 0)]))
    owner.confirm()
    assert owner.load_profiles([b"c" * 16]) == {}
    assert [row.payload for row in owner.rows(0)] == [b"before"]


def test_an_earlier_owner_changes_nothing_of_what_its_successor_stored(make_owner: Callable[[], Journal]) -> None:
    zombie, owner = make_owner(), make_owner()
    zombie.take_over("zombie")
    owner.take_over("owner")
    for number in range(1, 4):
        owner.append(bytes([number]) * 16, b"row")
    key = IndexEntry(b"c" * 16, b"key", 1, 1, b"f" * 16, b"")
    owner.flush(FlushBatch(keys=[key]))
    owner.complete_checkpoint(Checkpoint(3, 3, b"owner's"))
    zombie.load_keys([(key.customer, key.key)])
    for write in (
        lambda: zombie.complete_checkpoint(Checkpoint(3, 3, b"zombie's")),
        lambda: zombie.truncate(3, Base(2, 2, b"zombie's")),
        lambda: make_stale(zombie).drop_keys(2 * limits.KEY_PERIOD_MS, 10),
        lambda: zombie.flush(FlushBatch(erased=[b"c" * 16])),
    ):
        with pytest.raises(Fenced):
            write()
    assert owner.checkpoint() == Checkpoint(3, 3, b"owner's")
    assert owner.base() is None
    assert [row.seq for row in owner.rows(0)] == [1, 2, 3]
    assert owner.load_keys([(key.customer, key.key)]) == {(key.customer, key.key): key}


def make_stale(zombie: Journal) -> Journal:
    """Let it know of the keys that the owner wrote, as if it had written them itself before."""
    zombie._periods = [0]  # type: ignore[attr-defined]
    return zombie


def test_a_greater_incarnation_supersedes_an_earlier_one_for_good(make_owner: Callable[[], Journal]) -> None:
    earlier, later = make_owner(), make_owner()
    assert earlier.incarnation() == 0
    assert earlier.take_over("earlier", 3) == 1
    assert later.incarnation() == 3
    assert later.take_over("later", 4) == 2
    for incarnation in (0, 3):
        with pytest.raises(Superseded, match=f"after {incarnation}"):
            earlier.take_over("earlier", incarnation)
    assert later.incarnation() == 4
    assert later.append(b"a" * 16, b"x") == 1
    assert earlier.take_over("restarted", 4) == 3
    with pytest.raises(Fenced):
        later.append(b"b" * 16, b"y")


def test_a_reader_follows_what_the_owner_writes(make_owner: Callable[[], Journal]) -> None:
    owner, reader = make_owner(), make_owner()
    owner.take_over("owner")
    for number in range(1, 4):
        assert reader.newest_seq() == number - 1
        owner.append(bytes([number]) * 16, b"turn %d" % number)
        assert [row.payload for row in reader.rows(number - 1)] == [b"turn %d" % number]
        owner.complete_checkpoint(Checkpoint(number, number, b"state"))
        assert reader.checkpoint() == Checkpoint(number, number, b"state")
    assert reader.epoch == 0


def test_a_zombie_is_fenced_even_after_the_owner_wrote_the_row_it_wanted(make_owner: Callable[[], Journal]) -> None:
    zombie, owner = make_owner(), make_owner()
    zombie.take_over("zombie")
    owner.take_over("owner")
    owner.append(b"same batch id ..", b"owner's")
    with pytest.raises(Fenced):
        zombie.append(b"same batch id ..", b"zombie's")


def test_nobody_appends_without_taking_over(make_owner: Callable[[], Journal]) -> None:
    with pytest.raises(Fenced):
        make_owner().append(b"a" * 16, b"x")


def test_an_append_whose_reply_was_lost_is_recognised_when_repeated(journal: Journal) -> None:
    journal.append(b"a" * 16, b"x")
    journal.last_seq = 0  # the reply never arrived
    assert journal.append(b"a" * 16, b"x") == 1
    assert journal.append(b"b" * 16, b"y") == 2
    assert [row.payload for row in journal.rows(0)] == [b"x", b"y"]


def test_another_batch_at_the_same_sequence_is_fenced(journal: Journal) -> None:
    journal.append(b"a" * 16, b"x")
    journal.last_seq = 0
    with pytest.raises(Fenced):
        journal.append(b"z" * 16, b"another")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 2), st.binary(max_size=40)), max_size=12))
def test_whatever_the_owners_do_the_log_holds_exactly_what_was_acknowledged(
    make_owner: Callable[[], Journal], steps: list[tuple[int, bytes]]
) -> None:
    owners = [make_owner() for _ in range(3)]
    for owner in owners:
        owner.take_over("owner")
    start = owners[-1].last_seq
    acknowledged = []
    for number, (who, payload) in enumerate(steps):
        try:
            owners[who].append(number.to_bytes(16, "big"), payload)
            acknowledged.append(payload)
        except Fenced:
            owners[who].take_over("again")
    assert [row.payload for row in owners[0].rows(start)] == acknowledged
