"""How much to grant, and whose idle units to gather for whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.budgets.grants import Account, Need, grant_units, relieve
from models.errors import InvariantBroken


def account(*idle: int) -> Account:
    return Account(granted=dict(enumerate(idle)))


def urgent(shard: int, *sizes: int) -> Need:
    return Need(shard, sizes, sizes[0], True)


@pytest.mark.parametrize(("want", "free", "unit", "units"), [
    (1_000, 600, 1, 100), (50, 600, 1, 50), (1_000, 600, 150, 150), (1_000, 2, 5, 2), (1_000, -4, 5, 0),
])
def test_a_share_shrinks_with_what_is_left_but_not_below_one_decision(
    want: int, free: int, unit: int, units: int,
) -> None:
    assert grant_units(want, free, unit, shards=3) == units


def test_an_urgent_need_is_met_from_the_richest_donors() -> None:
    relief = relieve(account(0, 3, 4), 7, [urgent(0, 5)], donors=[0, 1, 2], shards=3)
    assert relief.recalls == {2: 4, 1: 1}


def test_units_in_the_pool_wait_for_the_one_who_needs_them() -> None:
    relief = relieve(account(0, 3, 0), 5, [urgent(0, 5), urgent(2, 5)], donors=[0, 1, 2], shards=3)
    assert relief.reserved == {0: 2}
    assert relief.recalls == {1: 3}


def test_a_need_beyond_all_reachable_units_moves_nothing() -> None:
    relief = relieve(account(0, 3, 1), 4, [urgent(0, 5)], donors=[0, 1, 2], shards=3)
    assert (relief.reserved, relief.recalls) == ({}, {})


def test_a_need_falls_back_to_the_next_size_that_can_be_had() -> None:
    relief = relieve(account(0, 3, 1), 4, [urgent(0, 5, 2)], donors=[0, 1, 2], shards=3)
    assert relief.recalls == {1: 2}


def test_a_silent_shard_is_no_donor() -> None:
    relief = relieve(account(0, 5, 5), 10, [urgent(0, 5)], donors=[0, 2], shards=3)
    assert relief.recalls == {2: 5}


def test_a_calm_need_leaves_two_decisions_units_with_each_donor() -> None:
    calm = Need(0, (5,), 5, False)
    assert relieve(account(0, 14), 14, [calm], donors=[0, 1], shards=2).recalls == {}
    assert relieve(account(0, 15), 15, [calm], donors=[0, 1], shards=2).recalls == {1: 5}


def test_what_exceeds_a_cut_cap_is_recalled_before_anything_is_given() -> None:
    relief = relieve(account(6, 4), 7, [], donors=[0, 1], shards=2)
    assert relief.recalls == {0: 3}


def test_held_and_spent_units_are_not_idle() -> None:
    busy = Account(granted={0: 9}, returned={0: 1}, spent={0: 2}, held={0: 3})
    assert (busy.idle(0), busy.outstanding) == (3, 8)


def test_more_returned_than_granted_is_a_broken_invariant() -> None:
    with pytest.raises(InvariantBroken, match="returned 3 of 2"):
        Account(granted={0: 2}, returned={0: 3}).validate("pool")


_IDLE = st.lists(st.integers(0, 30), min_size=2, max_size=5)


@given(_IDLE, st.integers(0, 100), st.data())
def test_no_donor_is_asked_for_more_than_is_idle_and_no_pool_is_promised_twice(
    idle: list[int], cap: int, data: st.DataObject,
) -> None:
    shards = range(len(idle))
    sizes = st.sampled_from([(5, 2), (1,), (7,)])
    needs = [Need(shard, data.draw(sizes), data.draw(st.integers(1, 40)), data.draw(st.booleans()))
             for shard in data.draw(st.lists(st.sampled_from(shards), unique=True))]
    full = account(*idle)
    relief = relieve(full, cap, needs, donors=shards, shards=len(idle))
    assert all(0 < units <= idle[shard] for shard, units in relief.recalls.items())
    assert sum(relief.reserved.values()) <= max(0, cap - full.outstanding)


@given(_IDLE, st.integers(0, 20), st.integers(1, 9))
def test_one_urgent_shard_gets_what_all_have_together(idle: list[int], in_pool: int, unit: int) -> None:
    relief = relieve(account(*idle), sum(idle) + in_pool, [urgent(0, unit)], range(len(idle)), len(idle))
    gathered = idle[0] + sum(relief.recalls.values()) + relief.reserved.get(0, 0)
    assert gathered >= unit or sum(idle) + in_pool < unit
