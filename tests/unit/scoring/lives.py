"""Journals of made-up customers whose truth is known: who buys how often, for how much, when, and answers where."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from unit.scoring.scoring_catalog import catalog

from models.catalog.check import check_data
from models.catalog.plan import Plan
from models.limits import DAY_MS, HOUR_MS
from models.profile.facts import AttributesChanged, Born, Decided, EventApplied, Fact, ItemChosen, OutcomeApplied
from models.scoring.target_rows import TargetReader
from models.turn.shard_facts import CatalogAdopted

#: A Monday in May, midnight UTC: New York is four hours behind for the half year that follows.
START_MS = 1_714_953_600_000
TARGETS: list[dict[str, Any]] = [
    {"id": "churn_risk", "predict": "none", "event": "visit", "within": "7d"},
    {"id": "worth", "predict": "sum", "event": "visit", "field": "total", "within": "14d"},
    {"id": "next_visit", "predict": "days", "event": "visit", "within": "14d"},
    {"id": "best_hour", "predict": "hour", "event": "visit", "within": "7d"},
    {"id": "best_channel", "predict": "channel", "outcome": "click", "within": "7d"},
]
Row = tuple[int, list[tuple[bytes, list[Fact]]]]


def plan(**changes: Any) -> Plan:
    features = [{"id": "visits_28d", "event": "visit", "aggregate": "count", "window": "28d"}]
    return check_data({**catalog(), "features": features, "targets": TARGETS, **changes})


def key(number: int) -> bytes:
    return number.to_bytes(2, "big") * 8


def visit(at_ms: int, total: float = 10.0, source: str = "") -> EventApplied:
    return EventApplied(f"e-{at_ms}", "visit", at_ms, None, {"total": total}, source)


def born(number: int, **attributes: bool | float | str) -> list[Fact]:
    return [Born(f"c-{number}"), AttributesChanged(dict(attributes))]


def contact(number: int, at_ms: int, channel: str, *, clicked: bool) -> list[tuple[int, list[Fact]]]:
    """A decision, shown and perhaps clicked."""
    name, item = f"d-{number}-{at_ms}", ItemChosen(
        "hero", 1, "first", "first_hero", "coupons", "grow", False, 1.0, 0.1, 0.1, at_ms + HOUR_MS, "accept", DAY_MS,
    )
    decided = Decided(
        name, name, b"", {"channel": channel}, b"", "sha256:x", None, 0, 0, False, b"", b"", b"", {}, (item,), b"",
    )
    facts: list[tuple[int, list[Fact]]] = [(at_ms, [decided])]
    for wait_ms, type_ in ((1_000, "impression"), *(((60_000, "click"),) if clicked else ())):
        confirms = "confirm" if type_ == "impression" else ""
        outcome = OutcomeApplied(
            f"{name}-{type_}", name, "first", type_, at_ms + wait_ms, at_ms + wait_ms, None, confirms, False,
        )
        facts.append((at_ms + wait_ms, [outcome]))
    return facts


def life(number: int, rng: random.Random, days: int) -> Iterator[tuple[int, list[Fact]]]:
    """Every other customer is 30 and keen (a visit every two days), the others are 60 and come every ten. Every third
    is staff, visits late (at 21, not 9 o'clock in New York) and answers in the app (half the time, else seldom), the
    others on the web."""
    late, every_days, total = number % 3 == 0, 2 if number % 2 else 10, 20.0 if number % 2 else 5.0
    yield START_MS, born(number, staff=late, age=30.0 if number % 2 else 60.0)
    for day in range(1, days):
        if rng.random() < 1 / every_days:
            at_ms = START_MS + day * DAY_MS + (25 if late else 13) * HOUR_MS
            yield at_ms, [visit(at_ms, total * rng.choice([0.5, 1.0, 1.5]))]
        if rng.random() < 0.3:
            channel = rng.choice(["web", "app"])
            clicked = rng.random() < (0.5 if (channel == "app") == late else 0.05)
            yield from contact(number, START_MS + day * DAY_MS + HOUR_MS, channel, clicked=clicked)


def rows_of(lives: Sequence[Iterator[tuple[int, list[Fact]]]]) -> list[Row]:
    """Everybody's facts in the order of time."""
    every = [(now_ms, number, facts) for number, life in enumerate(lives) for now_ms, facts in life]
    return [(now_ms, [(key(number), facts)]) for now_ms, number, facts in sorted(every, key=lambda one: one[:2])]


def read(target: str, under: Plan, rows: Sequence[Row]) -> TargetReader:
    reader = TargetReader(under.targets[target])
    reader.turn(START_MS, [CatalogAdopted(under.version, dict(under.catalog))], [])
    for now_ms, parts in rows:
        reader.turn(now_ms, [], parts)
    return reader
