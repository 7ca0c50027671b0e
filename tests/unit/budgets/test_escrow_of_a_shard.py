"""The shard's side: what is free, what it asks for, what it forgets."""

from __future__ import annotations

import pytest
from unit.coordination import shop
from unit.coordination.shop import NOON_MS

from models import limits
from models.budgets.escrow import Escrow, units_per_decision
from models.budgets.periods import period_bounds, period_key
from models.errors import InvariantBroken

PLAN = shop.plan()
TODAY = period_key("day", NOON_MS, PLAN.zone)
MIDNIGHT_MS = period_bounds("day", NOON_MS, PLAN.zone)[1]
EVENING_MS = MIDNIGHT_MS - limits.HOUR_MS


def give_back(escrow: Escrow, total: int) -> int:
    """Follow a recall up to ``total`` as a shard does: judge, log, fold in what was logged."""
    logged = escrow.returnable("pool", "", total)
    escrow.returned("pool", "", logged)
    return logged


def test_free_units_are_what_was_granted_less_what_was_returned_held_and_spent() -> None:
    escrow = Escrow()
    escrow.grant("pool", "", 10)
    escrow.apply_delta("pool", "", 3, 0, 0)
    escrow.apply_delta("pool", "", -1, 1, 0)
    assert give_back(escrow, 2) == 2
    assert escrow.free("pool", "") == 5
    assert escrow.free("pool", "other") == escrow.free("unknown", "") == 0


def test_a_repeated_or_overtaken_grant_changes_nothing() -> None:
    escrow = Escrow()
    for total in (10, 10, 4):
        escrow.grant("pool", "", total)
    assert escrow.free("pool", "") == 10


def test_no_more_is_given_back_than_is_free() -> None:
    escrow = Escrow()
    escrow.grant("pool", "", 10)
    escrow.apply_delta("pool", "", 8, 0, 0)
    assert escrow.returnable("pool", "", 7) == 2
    assert give_back(escrow, 7) == 2
    assert escrow.returnable("pool", "", 7) == 2
    escrow.returned("pool", "", 1)
    assert escrow.free("pool", "") == 0


def test_a_full_purse_asks_for_nothing_and_one_below_half_for_twice_its_level() -> None:
    escrow = Escrow()
    for budget, period in (("pool", ""), ("lumps", ""), ("daily", TODAY)):
        escrow.grant(budget, period, 10)
    assert escrow.wants(PLAN, NOON_MS) == []
    escrow.apply_delta("pool", "", 5, 0, 0)
    assert escrow.wants(PLAN, NOON_MS) == []
    escrow.apply_delta("pool", "", 1, 0, 0)
    (want,) = escrow.wants(PLAN, NOON_MS)
    assert (want.budget, want.units, want.unit, want.urgent) == ("pool", 20, 1, False)


def test_less_than_one_decision_needs_is_asked_for_calmly() -> None:
    escrow = Escrow()
    escrow.grant("lumps", "", 4)
    wants = {want.budget: want for want in escrow.wants(PLAN, NOON_MS)}
    assert (wants["lumps"].unit, wants["lumps"].urgent) == (5, False)


def test_a_decision_that_went_without_is_urgent_until_units_come() -> None:
    escrow = Escrow()
    escrow.missed("pool", "", 1)
    assert [want.urgent for want in escrow.wants(PLAN, NOON_MS) if want.budget == "pool"] == [True]
    escrow.grant("pool", "", 8)
    assert [want for want in escrow.wants(PLAN, NOON_MS) if want.budget == "pool"] == []


def test_where_a_decision_went_without_as_much_is_asked_for_as_there_may_be() -> None:
    """The level is what a cut cap has left; once the cap is raised, doubling it would leave many more without."""
    escrow = Escrow()
    escrow.grant("pool", "", 100)
    assert give_back(escrow, 100) == 100
    escrow.missed("pool", "", 1)
    (want,) = [want for want in escrow.wants(PLAN, NOON_MS) if want.budget == "pool"]
    assert (want.unit, want.urgent) == (1, True)
    assert want.units >= 5_000


def test_a_miss_is_forgotten_when_a_hold_ends_that_frees_enough() -> None:
    escrow = Escrow()
    escrow.grant("pool", "", 1)
    escrow.apply_delta("pool", "", 1, 0, 0)
    escrow.missed("pool", "", 1)
    escrow.apply_delta("pool", "", -1, 0, 0)
    assert not [want for want in escrow.wants(PLAN, NOON_MS) if want.urgent]


def test_the_next_period_is_asked_for_before_it_begins() -> None:
    escrow = Escrow()
    tomorrow = period_key("day", MIDNIGHT_MS, PLAN.zone)
    assert tomorrow not in {want.period for want in escrow.wants(PLAN, NOON_MS)}
    assert tomorrow in {want.period for want in escrow.wants(PLAN, EVENING_MS)}


def test_an_ended_period_is_forgotten_once_nothing_is_held_and_never_comes_back() -> None:
    escrow = Escrow()
    escrow.grant("daily", TODAY, 9)
    escrow.apply_delta("daily", TODAY, 3, 0, 0)
    later_ms = EVENING_MS + 2 * limits.HOUR_MS
    escrow.wants(PLAN, later_ms)
    assert escrow.free("daily", TODAY) == 6
    escrow.apply_delta("daily", TODAY, -3, 3, 0)
    escrow.wants(PLAN, later_ms)
    escrow.grant("daily", TODAY, 9)
    escrow.missed("daily", TODAY, 3)
    assert escrow.free("daily", TODAY) == 0
    assert escrow.positions() == ()


def test_packing_keeps_the_totals_and_what_was_forgotten() -> None:
    escrow = Escrow()
    escrow.grant("daily", TODAY, 9)
    escrow.wants(PLAN, EVENING_MS + 2 * limits.HOUR_MS)
    escrow.grant("pool", "", 7)
    escrow.apply_delta("pool", "", 2, 1, 4)
    copy = Escrow.unpack(escrow.pack())
    assert copy.positions() == escrow.positions()
    copy.grant("daily", TODAY, 9)
    assert copy.free("daily", TODAY) == 0


def test_more_held_than_granted_is_a_broken_invariant() -> None:
    escrow = Escrow()
    escrow.grant("pool", "", 1)
    escrow.apply_delta("pool", "", 2, 0, 0)
    with pytest.raises(InvariantBroken, match="pool"):
        escrow.validate()


def test_what_one_decision_needs_is_the_largest_use() -> None:
    assert units_per_decision(PLAN) == {"pool": 1, "lumps": 5, "daily": 3}
