"""Every aggregate against brute force over in-order, late and early events, read at random instants and at edges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.profile.building import T0, feature

from models import limits
from models.catalog.plan import Feature
from models.profile import windows
from models.profile.extract import to_micro, value_for
from models.profile.running import NEVER, bucket_width_ms
from models.profile.validate import validate_aggregate

WINDOW_MS = 1_000
WINDOWED = ["count", "sum", "mean", "max", "min", "distinct"]
ALL = [*WINDOWED, "last", "days_since_last", "decayed_sum"]


@dataclass(frozen=True)
class Step:
    """The clock goes on by ``wait_ms``; an event arrives that happened ``age_ms`` ago (negative: ahead)."""

    wait_ms: int
    age_ms: int
    value: float


STEPS = st.lists(
    st.builds(
        Step, st.sampled_from([0, 0, 1, 2, 300, 999, 1_000, 1_001]) | st.integers(0, 1_500),
        st.sampled_from([0, 0, 1, 999, 1_000, -1, -300]) | st.integers(-400, 1_500),
        st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float),
    ),
    max_size=40,
)


def truth(feature_: Feature, events: list[tuple[int, float]], now_ms: int) -> Any:
    """``events`` in order of arrival."""
    past = [(at_ms, value) for at_ms, value in events if at_ms <= now_ms]
    live = [value for at_ms, value in past if at_ms > now_ms - feature_.window_ms]
    newest = max(enumerate(past), key=lambda entry: (entry[1][0], entry[0]))[1] if past else None
    micros = [to_micro(value) for value in live]
    match feature_.aggregate:
        case "count":
            return len(live)
        case "sum":
            return sum(micros) / limits.MICRO
        case "mean":
            return sum(micros) / (len(live) * limits.MICRO) if live else None
        case "max":
            return max(live, default=None)
        case "min":
            return min(live, default=None)
        case "distinct":
            return len(set(live))
        case "last":
            return newest[1] if newest else None
        case "days_since_last":
            return (now_ms - newest[0]) / limits.DAY_MS if newest else None
    half_life_ms = feature_.half_life_ms
    return math.fsum(value * 2 ** (-(now_ms - at_ms) / half_life_ms) for at_ms, value in past) if past else None


def same(aggregate: str, found: Any, expected: Any) -> bool:
    if aggregate == "decayed_sum" and expected is not None:
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-6)
    return bool(found == expected) and (expected is None or type(found) is type(expected))


@pytest.mark.parametrize("aggregate", ALL)
@given(steps=STEPS, reads=st.lists(st.integers(0, 2_000), max_size=3))
def test_every_value_is_that_of_brute_force(aggregate: str, steps: list[Step], reads: list[int]) -> None:
    one = feature(aggregate, WINDOW_MS if aggregate in WINDOWED else 0, half_life_ms=700)
    held, events, now_ms = None, [], T0
    for step in steps:
        now_ms += step.wait_ms
        at_ms = now_ms - step.age_ms
        held = windows.feed(held, one, at_ms, value_for(one, {"v": step.value}), now_ms)
        events.append((at_ms, step.value))
        validate_aggregate("f", held, one.window_ms)
        for later_ms in (0, *reads):
            value, edge_ms = windows.read(held, one, now_ms + later_ms)
            assert same(aggregate, value, truth(one, events, now_ms + later_ms))
            assert edge_ms > now_ms + later_ms
            if edge_ms < NEVER:
                before = windows.read(held, one, edge_ms - 1)[0]
                assert same(aggregate, before, truth(one, events, edge_ms - 1))
                assert aggregate in windows.MOVING or before == value
                assert same(aggregate, windows.read(held, one, edge_ms)[0], truth(one, events, edge_ms))


@pytest.mark.parametrize(("aggregate", "inside", "outside"), [
    ("count", 1, 0), ("sum", 7.5, 0.0), ("mean", 7.5, None), ("max", 7.5, None), ("min", 7.5, None), ("distinct", 1, 0),
])
def test_an_event_leaves_at_exactly_one_window(aggregate: str, inside: Any, outside: Any) -> None:
    one = feature(aggregate, WINDOW_MS)
    held = windows.feed(None, one, T0, value_for(one, {"v": 7.5}), T0)
    assert windows.read(held, one, T0 + WINDOW_MS - 1) == (inside, T0 + WINDOW_MS)
    assert windows.read(held, one, T0 + WINDOW_MS) == (outside, NEVER)


@pytest.mark.parametrize(("aggregate", "before"), [("count", 0), ("last", None), ("days_since_last", None)])
def test_an_event_ahead_of_the_clock_counts_when_its_time_has_come(aggregate: str, before: Any) -> None:
    one = feature(aggregate, WINDOW_MS if aggregate == "count" else 0)
    held = windows.feed(None, one, T0 + 200, value_for(one, {"v": 7.5}), T0)
    assert windows.read(held, one, T0 + 199) == (before, T0 + 200)
    assert windows.read(held, one, T0 + 200)[0] in (1, 7.5, 0.0)


@pytest.mark.parametrize("aggregate", WINDOWED[:5])
@settings(max_examples=25)
@given(
    gaps=st.lists(st.integers(0, 12), min_size=300, max_size=700), seed=st.integers(0, 2**32),
    falling=st.booleans(), later_ms=st.integers(0, 7_000),
)
def test_beyond_256_events_the_error_is_one_bucket(
    aggregate: str, gaps: list[int], seed: int, falling: bool, later_ms: int
) -> None:
    window_ms = 6_400
    one = feature(aggregate, window_ms)
    held, events, now_ms = None, [], T0
    for place, gap in enumerate(gaps):
        now_ms += gap
        at_ms = now_ms - (seed * (place + 7)) % 50 * (place % 3 == 0)
        value = float(-place if falling else (seed * (place + 1)) % 1_000 + 1)
        held = windows.feed(held, one, at_ms, value_for(one, {"v": value}), now_ms)
        events.append((at_ms, value))
        validate_aggregate("f", held, window_ms)
    now_ms += later_ms
    found = windows.read(held, one, now_ms)[0]
    start = now_ms - window_ms
    live = [value for at_ms, value in events if at_ms > start]
    widened = [value for at_ms, value in events if at_ms > start - bucket_width_ms(window_ms)]
    at_most = [live + extra for extra in _tails(events, start, window_ms)]
    match aggregate:
        case "count":
            assert len(live) <= found <= len(widened)
        case "sum" | "mean":
            truths = [sum(values) / (1 if aggregate == "sum" else len(values) or 1) for values in at_most]
            assert any(math.isclose(found or 0.0, exact, abs_tol=1e-6) for exact in truths)
        case "max":
            assert found is None or max(live, default=-math.inf) <= found <= max(widened)
        case "min":
            assert found is None or min(live, default=math.inf) >= found >= min(widened)


def _tails(events: list[tuple[int, float]], start: int, window_ms: int) -> list[list[float]]:
    """What the oldest bucket may still show of events that have left: none, or its part before the start."""
    width = bucket_width_ms(window_ms)
    cell = [value for at_ms, value in events if at_ms <= start and at_ms // width == start // width]
    later = [value for at_ms, value in events if at_ms <= start and at_ms // width == (start + 1) // width]
    return [[], cell, later]


def test_a_late_event_never_overwrites_a_newer_last() -> None:
    one = feature("last")
    held = windows.feed(None, one, T0, 5.0, T0)
    held = windows.feed(held, one, T0 - 1, 9.0, T0 + 10)
    assert windows.read(held, one, T0 + 10)[0] == 5.0


def test_of_two_events_at_one_instant_the_later_arrival_is_last() -> None:
    one = feature("last")
    held = windows.feed(None, one, T0, 5.0, T0)
    held = windows.feed(held, one, T0, 9.0, T0)
    assert windows.read(held, one, T0)[0] == 9.0


def test_an_aggregate_of_another_definition_starts_empty() -> None:
    old, new = feature("count", 1_000), feature("count", 5_000, definition=b"87654321")
    held = windows.feed(None, old, T0, 0, T0)
    assert windows.read(held, new, T0)[0] == 0
    assert windows.read(windows.feed(held, new, T0 + 1, 0, T0 + 1), new, T0 + 1)[0] == 1


def test_feeding_leaves_what_was_held_as_it_was() -> None:
    for aggregate in ALL:
        one = feature(aggregate, WINDOW_MS if aggregate in WINDOWED else 0, half_life_ms=700)
        first = windows.feed(None, one, T0, value_for(one, {"v": 3.0}), T0)
        before = windows.read(first, one, T0)
        windows.feed(first, one, T0, value_for(one, {"v": 8.0}), T0)
        assert windows.read(first, one, T0) == before


def test_a_bucket_leaves_as_a_whole_with_its_newest_event() -> None:
    one = feature("count", 6_400)
    held: Any = None
    for place in range(300):
        held = windows.feed(held, one, T0 + 15 * place, 0, T0 + 15 * place)
    newest_ms, events, _ = held.buckets[0]
    assert events > 1
    before, edge_ms = windows.read(held, one, newest_ms + 6_399)
    assert edge_ms == newest_ms + 6_400
    assert windows.read(held, one, edge_ms)[0] == before - events


def test_a_late_maximum_does_not_hide_what_outlives_it() -> None:
    one = feature("max", 6_400)
    held: Any = None
    for place in range(300):
        held = windows.feed(held, one, T0 + place, 1_000.0 - place, T0 + place)
    assert held.buckets
    held = windows.feed(held, one, T0 - 1_000, 5_000.0, T0 + 300)
    assert windows.read(held, one, T0 + 300)[0] == 5_000.0
    assert windows.read(held, one, T0 - 1_000 + 6_400)[0] == 1_000.0
