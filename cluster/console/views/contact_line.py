"""Contacts and holds on a line of time, one lane per channel: places in percent of its width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from models.times import parse_time_ms
from models.units import DAY_MS, HOUR_MS, MINUTE_MS

_TICKS: Final = 6
#: None more than about twice the one before, so that there are three marks or more.
_STEPS_MS: Final = (
    *(minutes * MINUTE_MS for minutes in (1, 2, 5, 10, 15, 30)), *(hours * HOUR_MS for hours in (1, 2, 3, 6, 12)),
    *(days * DAY_MS for days in (1, 2, 4, 7, 14, 28, 56, 91, 182, 364)),
)
_SPAN_MS_LEAST: Final = HOUR_MS


@dataclass(frozen=True, slots=True)
class Mark:
    """A contact (a point), or a hold that lasts until ``to``. Places are percent of the width."""

    at: float
    to: float | None
    action: str
    treatment: str
    decision_id: str
    time: str


@dataclass(frozen=True, slots=True)
class Lane:
    channel: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class ContactLine:
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    #: Where the moment lies that the page is about.
    moment: float


def contact_line(customer: Mapping[str, Any], moment_ms: int, zone: tzinfo) -> ContactLine | None:
    """None: no contact, no hold."""
    contacts, holds = customer.get("contacts") or (), customer.get("holds") or ()
    if not contacts and not holds:
        return None
    begins = [parse_time_ms(each["time"]) for each in contacts]
    ends = [parse_time_ms(each["hold_expires"]) for each in holds]
    first, last = min([*begins, moment_ms]), max([*begins, *ends, moment_ms])
    spare = max(last - first, _SPAN_MS_LEAST) // 25
    scale = _Scale(first - spare, last + spare)
    channels = dict.fromkeys(each["channel"] for each in (*contacts, *holds))
    lanes = [
        Lane(channel, (*_points(scale, channel, contacts), *_holds(scale, channel, holds, moment_ms)))
        for channel in channels
    ]
    return ContactLine(tuple(lanes), tuple(_ticks(scale, zone)), scale.at(moment_ms))


@dataclass(frozen=True, slots=True)
class _Scale:
    first_ms: int
    last_ms: int

    def at(self, time_ms: int) -> float:
        return round(100.0 * (time_ms - self.first_ms) / (self.last_ms - self.first_ms), 2)


def _points(scale: _Scale, channel: str, contacts: Sequence[Mapping[str, Any]]) -> list[Mark]:
    return [
        Mark(scale.at(parse_time_ms(each["time"])), None, each["action"], each["treatment"], each["decision_id"],
             each["time"])
        for each in contacts if each["channel"] == channel
    ]


def _holds(scale: _Scale, channel: str, holds: Sequence[Mapping[str, Any]], moment_ms: int) -> list[Mark]:
    """A hold is open at the moment of the page: it is drawn from there to its end."""
    return [
        Mark(scale.at(moment_ms), scale.at(parse_time_ms(each["hold_expires"])), each["action"], each["treatment"],
             each["decision_id"], each["hold_expires"])
        for each in holds if each["channel"] == channel
    ]


def _ticks(scale: _Scale, zone: tzinfo) -> list[Tick]:
    span = scale.last_ms - scale.first_ms
    step = next((step for step in _STEPS_MS if span <= step * _TICKS), _STEPS_MS[-1])
    begin = datetime.fromtimestamp(scale.first_ms / 1_000, zone)
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    at_ms = int(midnight.timestamp() * 1_000)
    found = []
    while at_ms <= scale.last_ms:
        if at_ms >= scale.first_ms:
            found.append(Tick(scale.at(at_ms), _label(datetime.fromtimestamp(at_ms / 1_000, zone), step)))
        at_ms = _next(at_ms, step, zone)
    return found


def _next(at_ms: int, step_ms: int, zone: tzinfo) -> int:
    """Days are those of the zone: one of them may have 23 or 25 hours."""
    if step_ms < DAY_MS:
        return at_ms + step_ms
    local = datetime.fromtimestamp(at_ms / 1_000, zone) + timedelta(days=step_ms // DAY_MS)
    return int(local.timestamp() * 1_000)


def _label(local: datetime, step_ms: int) -> str:
    day = f"{local.day} {local:%b}"
    if step_ms >= 91 * DAY_MS:
        return f"{local:%b %Y}"
    return day if step_ms >= DAY_MS or (local.hour, local.minute) == (0, 0) else f"{local:%H:%M}"
