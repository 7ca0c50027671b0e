"""Counts are the same in whatever order, and in however many parts, rows are counted; and they are bounded."""

from __future__ import annotations

import random
import zlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.insight.facts import ACTIONS, NAMES, VERSION, code, decided, event, item, outcome, row

from models import limits
from models.arbitration import fates
from models.arbitration.preparation import GATES
from models.canonical import pack, unpack
from models.errors import JournalFailed
from models.insight.counts import CELL_AT, REMOVED
from models.insight.history import History
from models.insight.rows import Part, Row, read
from models.insight.snapshot import Snapshot
from models.insight.tables import Table
from models.profile.facts import Decided, Erased, EventApplied, Fact, OutcomeApplied, from_wire

START_MS = 1_767_225_600_000
NAMED = {VERSION: NAMES}
CODES = st.one_of(
    st.integers(1, 9).map(code), st.integers(-1, 2).map(lambda rule: code(fates.CONTACT_POLICY, rule)),
    st.integers(0, 1).map(lambda rule: code(fates.BUDGET, rule)), st.just(code(fates.RANKED)),
    st.just(code(fates.CHOSEN)),
)


@st.composite
def decisions(draw: st.DrawFn) -> Decided:
    codes = draw(st.tuples(CODES, CODES, CODES))
    chosen = [item(ACTIONS[at]) for at, one in enumerate(codes) if one & 15 == fates.CHOSEN]
    items = (*chosen, item("banner", fallback=True)) if draw(st.booleans()) else tuple(chosen)
    return decided(
        channel=draw(st.sampled_from(["web", "push"])), codes=codes, items=items, degraded=draw(st.booleans()),
        control=draw(st.sampled_from([None, "holdout"])), version=draw(st.sampled_from([VERSION, VERSION, "unknown"])),
    )


OUTCOMES = st.builds(
    outcome, st.sampled_from(ACTIONS), st.sampled_from(["accept", "click", "reject", "convert"]),
    st.sampled_from(["web", "push"]), st.sampled_from([None, 1.25, -0.5, 1e12]), confirms=st.booleans(),
    accepted=st.booleans(), control=st.sampled_from([None, "holdout"]),
)
FACTS: st.SearchStrategy[Fact] = st.one_of(decisions(), OUTCOMES, st.builds(event))
#: Minutes, hours, days and months apart, not in order.
CLOCKS = st.one_of(
    st.integers(0, 3 * limits.HOUR_MS), st.integers(0, 4 * limits.DAY_MS), st.integers(0, 90 * limits.DAY_MS),
)


@st.composite
def journals(draw: st.DrawFn) -> list[Row]:
    told = draw(st.lists(st.tuples(CLOCKS, st.lists(FACTS, max_size=3)), max_size=12))
    rows = [row(seq + 1, START_MS + clock_ms, *facts) for seq, (clock_ms, facts) in enumerate(told)]
    gone = [Row(len(rows) + 1, START_MS, [Part(b"x" * 16, None, (Decided.TAG, EventApplied.TAG, Erased.TAG))])]
    return rows + (gone if draw(st.booleans()) else [])


def counted(rows: list[Row]) -> History:
    history = History()
    read(rows, history, NAMED)
    return history


@settings(max_examples=30, deadline=None)
@given(journals(), st.randoms(use_true_random=False), st.lists(st.integers(0, 3), max_size=13))
def test_in_any_order_and_in_any_parts_rows_come_to_the_same(
    rows: list[Row], chance: random.Random, owners: list[int]
) -> None:
    whole = counted(rows).to_wire()
    shuffled = list(rows)
    chance.shuffle(shuffled)
    one_by_one = History()
    for each in shuffled:
        read([each], one_by_one, NAMED)
    assert one_by_one.to_wire() == whole
    parts = [History() for _ in range(4)]
    for place, each in enumerate(shuffled):
        read([each], parts[owners[place] if place < len(owners) else 0], NAMED)
    merged = History()
    for part in parts:
        merged.merge(part)
    assert merged.to_wire() == whole


@settings(max_examples=30, deadline=None)
@given(journals(), st.integers(0, 12))
def test_what_was_packed_before_is_packed_anew_where_something_was_added(rows: list[Row], cut: int) -> None:
    history = History()
    read(rows[:cut], history, NAMED)
    history.to_wire()
    read(rows[cut:], history, NAMED)
    assert history.to_wire() == counted(rows).to_wire()


@settings(max_examples=30, deadline=None)
@given(journals())
def test_a_snapshot_that_is_read_back_goes_on_as_if_nothing_had_happened(rows: list[Row]) -> None:
    half = len(rows) // 2
    first = Snapshot(2, positions={0: 7, 1: 9})
    first.learn(NAMES, START_MS)
    read(rows[:half], first.history, NAMED)
    again = Snapshot.unpack(first.pack())
    assert (again.shards, again.positions, again.live_version) == (2, {0: 7, 1: 9}, VERSION)
    read(rows[half:], again.history, again.names)
    assert again.history.to_wire() == counted(rows).to_wire()
    assert again.pack() == Snapshot.unpack(again.pack()).pack()


@settings(max_examples=30, deadline=None)
@given(journals())
def test_all_together_is_what_counting_by_hand_gives(rows: list[Row]) -> None:
    _, counts = counted(rows).window("all")
    wires = [(each, part) for each in rows for part in each.parts]
    unread = sum(part.facts is None for _, part in wires)
    facts = _facts(rows)
    made = [fact for fact in facts if isinstance(fact, Decided)]
    told = [fact for fact in facts if isinstance(fact, OutcomeApplied)]
    assert counts.decisions == len(made) + unread
    assert counts.events == sum(isinstance(fact, EventApplied) for fact in facts) + unread
    assert counts.outcomes == len(told)
    assert counts.held_out == sum(fact.control_group is not None for fact in made)
    chosen: Counter[tuple[str, ...]] = Counter()
    for fact in made:
        chosen.update((one.action, fact.request["channel"]) for one in fact.items if not one.fallback)
    cells = dict(counts.cells.items())
    assert {key: row[CELL_AT["chosen"]] for key, row in cells.items() if row[CELL_AT["chosen"]]} == chosen
    removed: Counter[str] = Counter()
    for fact in made:
        if fact.catalog_version == VERSION:
            removed.update(GATES[one & 15] for one in fates.read(fact.fates).tolist() if one & 15 in range(1, 13))
    sums = counts.cells.sums()
    assert {gate: int(sums[place]) for place, gate in enumerate(REMOVED) if sums[place]} == removed
    worth = sum(round(fact.value * limits.MICRO) for fact in told if fact.value and fact.type in ("accept", "convert"))
    assert sums[CELL_AT["value_units"]] * limits.MICRO + sums[CELL_AT["value_micros"]] == worth


def _facts(rows: list[Row]) -> list[Fact]:
    return [from_wire(wire) for one in rows for part in one.parts if part.facts for wire in unpack(part.facts)]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 1), st.integers(-3, 9)), max_size=40),
    st.randoms(use_true_random=False), st.integers(0, 40),
)
def test_beyond_the_bound_the_first_names_are_exact_and_the_others_are_one(
    adds: list[tuple[str, int, int]], chance: random.Random, cut: int
) -> None:
    def table(some: list[tuple[str, int, int]]) -> Table:
        made = Table(2, 3)
        for name, column, count in some:
            made.add((name,), column, count)
        return made

    whole = table(adds)
    shuffled = list(adds)
    chance.shuffle(shuffled)
    parts = table(shuffled[:cut])
    parts.merge(table(shuffled[cut:]))
    assert parts.to_wire() == whole.to_wire()
    assert Table.from_wire(whole.to_wire(), 2, 3).to_wire() == whole.to_wire()
    kept = dict(whole.items())
    assert len(kept) <= 3
    assert [key[0] for key in kept] == sorted({name for name, _, _ in adds})[:3]
    for (name,), row_ in kept.items():
        assert row_.sum() == sum(count for one, _, count in adds if one == name)
    assert whole.sums().sum() == sum(count for _, _, count in adds)


def test_however_long_it_runs_and_whatever_it_meets_it_stays_within_its_bounds() -> None:
    history = History()
    for day in range(200):
        for minute in range(3):
            clock_ms = START_MS + day * limits.DAY_MS + minute * limits.MINUTE_MS
            read([row(1, clock_ms, decided(codes=(code(1), code(2), code(3))))], history, NAMED)
    _, _, sizes, _ = history.to_wire()
    for buckets, bound in zip(sizes, (limits.INSIGHT_MINUTES, limits.INSIGHT_HOURS, limits.INSIGHT_DAYS), strict=True):
        assert len(buckets) <= bound
    assert history.window("all")[1].decisions == 600
    assert history.window("week")[1].decisions == 21
    assert history.window("day")[1].decisions == history.window("hour")[1].decisions == 3


def test_a_clock_that_jumps_for_months_leaves_nothing_out() -> None:
    history = History()
    for jump in (0, 59, 60, 61, 48 * 60, 35 * 24 * 60, 400 * 24 * 60):
        read([row(1, START_MS + jump * limits.MINUTE_MS, event())], history, NAMED)
    assert history.window("all")[1].events == 7
    assert history.window("hour")[1].events == 1


def test_buckets_are_looked_through_once_a_minute_however_many_rows_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    history, looked = History(), Counter[int]()
    for minute in range(60):
        history.at(START_MS + minute * limits.MINUTE_MS).events += 1
    size_of = history._size_of
    monkeypatch.setattr(history, "_size_of", lambda clock_ms: looked.update([1]) or size_of(clock_ms))
    for step in range(1, 1_001):
        history.reach(START_MS + 60 * limits.MINUTE_MS + step)
    assert looked[1] < 100
    assert next(begin_ms for begin_ms, _ in history.minutes()) == START_MS + limits.MINUTE_MS


def test_rows_that_were_counted_before_are_only_read() -> None:
    history = History()
    found = read([row(4, START_MS, decided("d-4")), row(5, START_MS, decided("d-5"))], history, NAMED, counted_after=4)
    assert len(found.decisions) == 2
    assert history.window("all")[1].decisions == 1


def test_a_snapshot_of_another_layout_is_refused_in_words() -> None:
    with pytest.raises(JournalFailed, match="cannot be read"):
        Snapshot.unpack(b"nothing of ours")


def test_a_snapshot_holds_nothing_of_anybody() -> None:
    snapshot = Snapshot(1)
    snapshot.learn(NAMES, START_MS)
    fact = decided("d-secret", customer_id="hh-17", codes=(code(1),) * 3)
    read([row(1, START_MS, fact, event())], snapshot.history, NAMED)
    _, _, (_, _, sizes, _), _, names = unpack(snapshot.pack())
    content = pack(names) + b"".join(zlib.decompress(packed) for size in sizes for _, packed in size)
    assert b"coupon" in content
    for word in (b"d-secret", b"hh-17", b"c" * 16, b"r-d-secret", b"e-1"):
        assert word not in content


def test_numbers_are_kept_whole_however_large() -> None:
    table = Table(1, 4)
    for size in (100, 30_000, 2**31 - 1, 2**40):
        table.add((f"{size}",), 0, size)
    again = Table.from_wire(table.to_wire(), 1, 4)
    assert [row_.tolist() for _, row_ in again.items()] == [row_.tolist() for _, row_ in table.items()]
    assert np.array_equal(again.sums(), table.sums())
