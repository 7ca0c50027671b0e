"""Periods of budgets in the catalog's time zone: minute, hour, day, week (from Monday), month.

A period key is ``<period>:<start in UTC>``, for example ``day:2026-11-02T05:00:00Z``: stable, and in order of time
among the keys of one kind. A budget without a period has the key "". Periods partition time: each begins where the
one before it ends, also where a clock change makes a day of 23 or 25 hours.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from models import limits
from models.times import format_time

_FIXED_MS: Final = {"minute": limits.MINUTE_MS, "hour": limits.HOUR_MS}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@lru_cache(maxsize=256)
def period_key(period: str, now_ms: int, zone: ZoneInfo) -> str:
    """The key of the period that holds ``now_ms``; "" for a budget without a period."""
    if not period:
        return ""
    return _key(period, period_bounds(period, now_ms, zone)[0])


def period_bounds(period: str, now_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    """[start, end) in ms of the period that holds ``now_ms``. Raises ValueError for an unknown period."""
    length_ms = _FIXED_MS.get(period)
    if length_ms is not None:
        return _fixed_bounds(length_ms, now_ms, zone)
    today = _local(now_ms, zone).date()
    first, after = _date_bounds(period, today)
    return _midnight_ms(first, zone), _midnight_ms(after, zone)


def end_of_key(key: str, zone: ZoneInfo) -> int | None:
    """When the period of a key ends (ms); None for "", which never ends."""
    if not key:
        return None
    period, _, start = key.partition(":")
    start_ms = (datetime.fromisoformat(start) - _EPOCH) // _MILLISECOND
    return period_bounds(period, start_ms, zone)[1]


def _key(period: str, start_ms: int) -> str:
    return f"{period}:{format_time(start_ms)}"


def _local(at_ms: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone)


def _offset_ms(at_ms: int, zone: ZoneInfo) -> int:
    offset = _local(at_ms, zone).utcoffset()
    assert offset is not None
    return offset // _MILLISECOND


def _midnight_ms(day: date, zone: ZoneInfo) -> int:
    """The first instant of a local date, also where midnight itself is skipped or comes twice."""
    return (datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) - _EPOCH) // _MILLISECOND


def _date_bounds(period: str, today: date) -> tuple[date, date]:
    if period == "day":
        return today, today + timedelta(days=1)
    if period == "week":
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=7)
    if period == "month":
        first = today.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1)
    raise ValueError(f"unknown period {period!r}; known: minute, hour, day, week, month")


def _fixed_bounds(length_ms: int, now_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    """A local minute or hour, cut where the zone's offset changes inside it (so each pass of a repeated hour counts
    for itself)."""
    offset_ms = _offset_ms(now_ms, zone)
    start_ms = (now_ms + offset_ms) // length_ms * length_ms - offset_ms
    end_ms = start_ms + length_ms
    if _offset_ms(start_ms, zone) != offset_ms:
        start_ms = _change_ms(start_ms, now_ms, zone)
    if _offset_ms(end_ms - 1, zone) != offset_ms:
        end_ms = _change_ms(now_ms, end_ms, zone)
    return start_ms, end_ms


def _change_ms(before_ms: int, after_ms: int, zone: ZoneInfo) -> int:
    """The first instant in (before, after] with the offset of ``after``: one change lies between."""
    wanted_ms = _offset_ms(after_ms, zone) if _offset_ms(after_ms, zone) != _offset_ms(before_ms, zone) else None
    low, high = before_ms, after_ms
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_ms(middle, zone) == wanted_ms:
            high = middle
        else:
            low = middle
    return high
