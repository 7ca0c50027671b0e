"""Decisions that flow by, and the figures above them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from models.times import format_time, parse_time_ms
from models.units import HOUR_MS, MINUTE_MS

#: Above this share of degraded decisions something is amiss.
_DEGRADED_MOST: Final = 0.0


@dataclass(frozen=True, slots=True)
class Offer:
    placement: str
    action: str
    treatment: str
    fallback: bool


@dataclass(frozen=True, slots=True)
class Flowing:
    """One decision. ``customer``: None where the viewer may not see it."""

    decision: str
    customer: str | None
    time: str
    channel: str
    offers: tuple[Offer, ...]
    candidates: int
    chosen: int
    control_group: str | None
    degraded: bool
    scorer: str | None


def flowing(recent: Sequence[Mapping[str, Any]], most: int) -> tuple[Flowing, ...]:
    """Newest first, at most so many."""
    return tuple(_flowing(one) for one in recent[:most])


def _flowing(one: Mapping[str, Any]) -> Flowing:
    offers = tuple(
        Offer(item["placement"], item["action"], item["treatment"], item["fallback"]) for item in one["items"]
    )
    return Flowing(
        one["decision_id"], one["customer_id"], one["time"], one["channel"], offers, one["candidates"], one["chosen"],
        one["control_group"], one["degraded"], one["scorer_version"],
    )


@dataclass(frozen=True, slots=True)
class Pulse:
    """The figures of the newest minute; None: nobody asked in it."""

    rate_per_s: float
    p50_ms: float | None
    p99_ms: float | None
    degraded_share: float | None

    @property
    def is_degraded(self) -> bool:
        return self.degraded_share is not None and self.degraded_share > _DEGRADED_MOST


def pulse(live: Mapping[str, Any]) -> Pulse:
    return Pulse(live["rate_per_s"], live["p50_ms"], live["p99_ms"], live["degraded_share"])


@dataclass(frozen=True, slots=True)
class Minute:
    """Started at ``time``. ``clear``: decisions that were not degraded."""

    time: str
    decisions: int
    clear: int
    degraded: int
    events: int
    outcomes: int
    chosen: int
    accepted: int


def minutes(told: Sequence[Mapping[str, Any]]) -> tuple[Minute, ...]:
    """Oldest first, with the minutes in which nothing was, unless these are more than fit into an hour (a manual clock
    jumps)."""
    by_begin = {parse_time_ms(one["minute"]): _minute(one) for one in told}
    if not by_begin:
        return ()
    begins = range(min(by_begin), max(by_begin) + MINUTE_MS, MINUTE_MS)
    if len(begins) > HOUR_MS // MINUTE_MS:
        return tuple(by_begin[begin] for begin in sorted(by_begin))
    return tuple(by_begin.get(begin) or Minute(format_time(begin), *[0] * 7) for begin in begins)


def clock(time: str, zone: str) -> str:
    """Hour and minute of a time, in a zone."""
    return datetime.fromisoformat(time).astimezone(ZoneInfo(zone)).strftime("%H:%M")


def _minute(one: Mapping[str, Any]) -> Minute:
    return Minute(
        one["minute"], one["decisions"], one["decisions"] - one["degraded"], one["degraded"], one["events"],
        one["outcomes"], one["chosen"], one["accepted"],
    )
