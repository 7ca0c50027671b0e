"""Where a budget's units are, and whether they will last."""

from __future__ import annotations

from typing import Any

import pytest
from unit.console import told_by_api as api

from cluster.console.views.money import Budget, Pace, budgets
from models.times import parse_time_ms

NOON_MS = parse_time_ms("2026-11-22T12:00:00-05:00")


def budget(**more: Any) -> Budget:
    day = {"kind": "day", "from": "2026-11-22T05:00:00Z", "until": "2026-11-23T05:00:00Z"}
    told = {"id": "pool", "unit": "coupon", "cap": 1_000, "granted": 0, "spent": 0, "held": 0, "unfunded": 0,
            "period": day, "shards": [], **more}
    told["available"] = told["cap"] - told["spent"] - told["held"]
    (made,) = budgets([told], {}, NOON_MS)
    return made


def pace(**more: Any) -> Pace:
    told = budget(**more).pace
    assert told is not None
    return told


def test_spent_held_and_free_units_add_up_to_the_cap_and_fill_the_bar() -> None:
    for told in budgets(api.BUDGETS["budgets"], {"win_back_budget": 312}, NOON_MS):
        assert told.spent + told.held + told.at_shards + told.in_pool == told.cap
        assert sum(width for _, _, width in told.segments) == pytest.approx(1.0)
        assert sum(share.granted for share in told.shares) == sum(
            share.spent + share.held + share.free for share in told.shares
        )


def test_decisions_that_went_without_stand_beside_their_budget() -> None:
    told = {one.id: one for one in budgets(api.BUDGETS["budgets"], {"win_back_budget": 312}, NOON_MS)}
    assert (told["win_back_budget"].dry, told["coupon_pool"].dry) == (312, 0)
    assert told["win_back_budget"].is_dry
    assert told["coupon_pool"].pace is None


@pytest.mark.parametrize(("spent", "verdict", "projected"), [
    (600, "fast", 1_200), (480, "even", 960), (100, "slow", 200),
])
def test_the_pace_is_what_was_spent_against_what_has_passed(spent: int, verdict: str, projected: int) -> None:
    told = pace(spent=spent)
    assert (told.elapsed, told.verdict, told.projected) == (0.5, verdict, projected)


def test_a_pace_that_is_too_fast_tells_when_the_cap_is_spent() -> None:
    assert pace(spent=800).dry == "2026-11-22T20:00:00Z"
    assert pace(spent=400).dry is None


def test_the_first_moments_of_a_period_foretell_nothing() -> None:
    begin = {"kind": "day", "from": "2026-11-22T16:30:00Z", "until": "2026-11-23T16:30:00Z"}
    assert (pace(spent=30, period=begin).verdict, pace(spent=30, period=begin).projected) == ("early", None)


def test_a_cap_that_is_spent_and_held_is_said_so_and_a_cap_of_nothing_too() -> None:
    assert pace(spent=900, held=100).verdict == "spent"
    assert pace(cap=0).verdict == "spent"


def test_a_day_of_23_hours_has_its_half_earlier() -> None:
    short = {"kind": "day", "from": "2026-03-08T05:00:00Z", "until": "2026-03-09T04:00:00Z"}
    told = {"id": "pool", "unit": "coupon", "cap": 10, "granted": 0, "spent": 5, "held": 0, "unfunded": 0,
            "available": 5, "period": short, "shards": []}
    (made,) = budgets([told], {}, parse_time_ms("2026-03-08T16:30:00Z"))
    assert made.pace is not None
    assert made.pace.elapsed == 0.5


def test_a_cap_cut_below_what_is_held_neither_breaks_the_bar_nor_shows_units_that_are_not_there() -> None:
    told = budget(cap=4, spent=3, held=5, shards=[{"shard": 0, "granted": 9, "spent": 3, "held": 5}])
    assert (told.free, told.at_shards, told.in_pool, told.is_dry) == (-4, 0, 0, True)
    assert sum(width for _, _, width in told.segments) == pytest.approx(1.0)
