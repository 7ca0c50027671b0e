"""Aggregates of one feature and customer: feeding an event, reading a value (called by ``apply`` and ``features``).

A window is (now - W, now] over event time. An event ahead of the clock waits in ``pending`` until its time has come,
whatever the aggregate: what a feature shows at ``now`` is what has happened by ``now``. At most
``limits.EVENTS_PER_WINDOW_MAX`` wait; beyond that the earliest of them counts at once.

The next instant at which time alone may change a value is its *edge*; ``now + 1`` for what moves with every instant.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import Any

from models import limits
from models.catalog.plan import Feature
from models.profile.distinct import Distinct
from models.profile.extreme import Extreme
from models.profile.newest import Decayed, Newest
from models.profile.running import NEVER, Running

Aggregate = Running | Extreme | Distinct | Newest | Decayed

KINDS: dict[str, type[Any]] = {
    "count": Running, "sum": Running, "mean": Running, "max": Extreme, "min": Extreme, "distinct": Distinct,
    "last": Newest, "days_since_last": Newest, "decayed_sum": Decayed,
}
#: What a feature shows before its first event; the others are absent.
BEGINNINGS: dict[str, Any] = {"count": 0, "sum": 0.0, "distinct": 0}
#: Aggregates whose value, once there is one, changes with every instant.
MOVING = frozenset({"days_since_last", "decayed_sum"})


def feed(held: Aggregate | None, feature: Feature, time_ms: int, value: Any, now_ms: int) -> Aggregate:
    """``held`` with one more event; an aggregate of another definition is dropped first."""
    aggregate: Any = held
    if held is None or held.definition != feature.definition:
        aggregate = KINDS[feature.aggregate](feature.definition)
    elif held.pending:
        aggregate = settled(held, feature, now_ms)
    if time_ms <= now_ms:
        fed: Aggregate = aggregate.put(feature, time_ms, value, now_ms)
        return fed
    return _wait(aggregate, feature, time_ms, value, now_ms)


def read(held: Aggregate | None, feature: Feature, now_ms: int) -> tuple[Any, int]:
    """(value or None, edge) at ``now_ms``; not for ratios, which have no aggregate of their own."""
    if held is None or held.definition != feature.definition:
        return BEGINNINGS.get(feature.aggregate), NEVER
    if not held.pending:
        return held.read(feature, now_ms)
    held = settled(held, feature, now_ms)
    value, edge = held.read(feature, now_ms)
    return value, min(edge, held.pending[0][0]) if held.pending else edge


def settled(held: Aggregate, feature: Feature, now_ms: int) -> Aggregate:
    """``held`` with every waiting event whose time has come put in its place."""
    pending = held.pending
    due = bisect_right(pending, now_ms, key=lambda event: event[0])
    if not due:
        return held
    aggregate: Any = held
    aggregate = replace(aggregate, pending=pending[due:])
    for time_ms, value in pending[:due]:
        aggregate = aggregate.put(feature, time_ms, value, now_ms)
    result: Aggregate = aggregate
    return result


def _wait(held: Any, feature: Feature, time_ms: int, value: Any, now_ms: int) -> Aggregate:
    at = bisect_right(held.pending, time_ms, key=lambda event: event[0])
    pending = (*held.pending[:at], (time_ms, value), *held.pending[at:])
    waiting: Any = replace(held, pending=pending[-limits.EVENTS_PER_WINDOW_MAX:])
    for early_ms, early in pending[:-limits.EVENTS_PER_WINDOW_MAX]:
        waiting = waiting.put(feature, early_ms, early, now_ms)
    result: Aggregate = waiting
    return result
