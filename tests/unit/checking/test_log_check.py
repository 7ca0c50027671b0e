"""The checker of logs must see what it is there to see."""

from __future__ import annotations

from support.log_check import Units, check_grants, check_lineage, check_told

from actors.journal.interface import Row
from models.coordination.facts import CapSet, GrantMade, ReturnCredited
from models.profile.facts import Decided, HoldExpired, ItemChosen, OutcomeApplied
from models.turn.shard_facts import Granted, Returned

CUSTOMER = b"c" * 16


def row(seq: int, epoch: int, batch: bytes = b"") -> Row:
    return Row(seq, epoch, batch or seq.to_bytes(16, "big"), b"")


def decided(decision_id: str, units: int) -> Decided:
    item = ItemChosen(
        "hero", 1, "coupon", "treatment", "group", "issue", False, 1.0, 0.1, 1.0, 1_000, "accept", 1_000,
        (("pool", units, "", "accept"),),
    )
    return Decided(decision_id, "r", b"", {}, b"", "", None, 0, 0, False, b"", b"", b"", {}, (item,), b"")


def outcome(decision_id: str, effect: str) -> OutcomeApplied:
    return OutcomeApplied("o", decision_id, "coupon", "accept", 0, 0, None, "", False, (("pool", effect),))


def test_a_line_of_epochs_without_a_gap_is_sound() -> None:
    assert check_lineage([row(1, 1), row(2, 1), row(3, 4)]) == []


def test_a_row_of_an_older_epoch_after_a_newer_one_is_seen() -> None:
    assert check_lineage([row(1, 2), row(2, 1)]) == ["row 2 is of epoch 1, after one of epoch 2"]


def test_a_missing_row_and_a_batch_appended_twice_are_seen() -> None:
    assert check_lineage([row(1, 1), row(3, 1, row(1, 1).batch_id)]) == [
        "row 3 follows row 1", "row 3 repeats the batch of an earlier row",
    ]


def test_units_that_were_not_granted_are_seen_at_the_row_that_uses_them() -> None:
    units = Units()
    units.row(1, [Granted("pool", "", 2)], [])
    units.row(2, [], [(CUSTOMER, [decided("d1", 2)])])
    assert units.wrong == []
    units.row(3, [], [(CUSTOMER, [decided("d2", 1)])])
    assert units.wrong == ["after row 3 ('pool', '') uses 3 of 2 units"]


def test_a_released_unit_may_be_used_again_and_a_returned_one_may_not() -> None:
    units = Units()
    units.row(1, [Granted("pool", "", 1)], [(CUSTOMER, [decided("d1", 1)])])
    units.row(2, [], [(CUSTOMER, [HoldExpired("d1", "coupon")])])
    units.row(3, [], [(CUSTOMER, [decided("d2", 1), outcome("d2", "release")])])
    units.row(4, [Returned("pool", "", 1)], [])
    assert units.wrong == []
    units.row(5, [], [(CUSTOMER, [decided("d3", 1)])])
    assert units.wrong == ["after row 5 ('pool', '') uses 1 of 0 units"]


def test_a_spent_unit_stays_spent_whatever_becomes_of_its_hold() -> None:
    units = Units()
    units.row(1, [Granted("pool", "", 1)], [(CUSTOMER, [decided("d1", 1), outcome("d1", "spend")])])
    units.row(2, [], [(CUSTOMER, [HoldExpired("d1", "coupon")])])
    assert units.spent == {("pool", ""): 1}
    units.row(3, [], [(CUSTOMER, [decided("d2", 1)])])
    assert units.wrong == ["after row 3 ('pool', '') uses 2 of 1 units"]


def test_a_coordinator_that_gives_away_more_than_the_cap_is_seen() -> None:
    rows = [[CapSet("pool", 3)], [GrantMade(0, "pool", "", 2)], [GrantMade(1, "pool", "", 1)]]
    assert check_grants(rows) == []
    assert check_grants([*rows, [ReturnCredited(0, "pool", "", 1)], [GrantMade(1, "pool", "", 2)]]) == []
    assert check_grants([*rows, [GrantMade(1, "pool", "", 2)]]) == [
        "row 4 gives away 4 units of pool, its cap is 3",
    ]


def test_a_shard_that_logs_a_grant_which_nobody_made_is_seen() -> None:
    rows = [[CapSet("pool", 3)], [GrantMade(0, "pool", "", 1)], [GrantMade(0, "pool", "", 2)]]
    assert check_told({(0, "pool", ""): 2}, rows) == []
    assert check_told({(0, "pool", ""): 3, (1, "pool", ""): 1}, rows) == [
        "shard 0 was granted 3 units of ('pool', ''), the coordinator knows of 2",
        "shard 1 was granted 1 units of ('pool', ''), the coordinator knows of 0",
    ]
