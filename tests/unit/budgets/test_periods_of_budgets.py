"""Periods partition time in the catalog's zone, through every clock change."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.budgets.periods import end_of_key, period_bounds, period_key
from models.limits import DAY_MS, HOUR_MS, MINUTE_MS
from models.times import parse_time_ms

NEW_YORK = ZoneInfo("America/New_York")
_ZONES = st.sampled_from([
    "America/New_York", "UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo",
    "Europe/Dublin", "Africa/Casablanca",
]).map(ZoneInfo)
_PERIODS = st.sampled_from(["minute", "hour", "day", "week", "month"])
_TIMES = st.integers(parse_time_ms("1975-01-01T00:00:00Z"), parse_time_ms("2035-01-01T00:00:00Z"))


@given(_PERIODS, _TIMES, _ZONES)
def test_a_period_holds_its_moment_and_ends_where_the_next_begins(period: str, at_ms: int, zone: ZoneInfo) -> None:
    start_ms, end_ms = period_bounds(period, at_ms, zone)
    assert start_ms <= at_ms < end_ms
    assert period_bounds(period, start_ms, zone) == (start_ms, end_ms) == period_bounds(period, end_ms - 1, zone)
    assert period_bounds(period, end_ms, zone)[0] == end_ms
    assert period_bounds(period, start_ms - 1, zone)[1] == start_ms


@given(_PERIODS, _TIMES, _ZONES)
def test_keys_of_one_kind_are_in_order_of_time(period: str, at_ms: int, zone: ZoneInfo) -> None:
    key = period_key(period, at_ms, zone)
    end_ms = period_bounds(period, at_ms, zone)[1]
    assert key < period_key(period, end_ms, zone)
    assert end_of_key(key, zone) == end_ms


def test_a_budget_without_a_period_has_the_empty_key_for_ever() -> None:
    assert period_key("", 5, NEW_YORK) == ""
    assert end_of_key("", NEW_YORK) is None


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-11-02", 24)])
def test_a_day_has_as_many_hours_as_the_clocks_give_it(day: str, hours: int) -> None:
    start_ms, end_ms = period_bounds("day", parse_time_ms(f"{day}T12:00:00-05:00"), NEW_YORK)
    assert end_ms - start_ms == hours * HOUR_MS


def test_each_pass_of_a_repeated_hour_is_a_period_of_its_own() -> None:
    first = period_bounds("hour", parse_time_ms("2026-11-01T01:30:00-04:00"), NEW_YORK)
    second = period_bounds("hour", parse_time_ms("2026-11-01T01:30:00-05:00"), NEW_YORK)
    assert first[1] == second[0]
    assert second[1] - second[0] == HOUR_MS


def test_a_clock_change_of_half_an_hour_cuts_the_hour() -> None:
    """Lord Howe goes from 02:00 (+11) back to 01:30 (+10:30)."""
    zone = ZoneInfo("Australia/Lord_Howe")
    change_ms = parse_time_ms("2026-04-05T02:00:00+11:00")
    assert period_bounds("hour", change_ms, zone) == (change_ms, change_ms + 30 * MINUTE_MS)


def test_a_week_begins_on_monday_and_a_month_on_the_first() -> None:
    at_ms = parse_time_ms("2026-11-05T10:00:00-05:00")
    assert period_key("week", at_ms, NEW_YORK) == "week:2026-11-02T05:00:00Z"
    assert period_key("month", at_ms, NEW_YORK) == "month:2026-11-01T04:00:00Z"
    assert period_key("month", period_bounds("month", at_ms, NEW_YORK)[1], NEW_YORK) == "month:2026-12-01T05:00:00Z"


def test_a_local_date_that_was_skipped_has_no_period() -> None:
    """Samoa had no 30 December 2011."""
    zone = ZoneInfo("Pacific/Apia")
    start_ms, end_ms = period_bounds("day", parse_time_ms("2011-12-29T12:00:00-10:00"), zone)
    assert end_ms - start_ms == DAY_MS
    assert period_bounds("day", end_ms, zone) == (end_ms, end_ms + DAY_MS)


def test_the_period_around_the_epoch_has_an_end_too() -> None:
    key = period_key("week", 0, NEW_YORK)
    assert key.startswith("week:1969")
    assert end_of_key(key, NEW_YORK) == period_bounds("week", 0, NEW_YORK)[1]


def test_an_unknown_period_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="fortnight"):
        period_bounds("fortnight", 0, NEW_YORK)
