"""What every store of refusals promises: a chain reads back as written, and what was done to it is found and named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from contracts.access.conftest import Denials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.access.denials.interface import DenialStore
from actors.access.denials.log import OTHERS, DenialLog
from actors.access.denials.record import Entry, Head
from actors.access.denials.verify import verify
from models import limits
from models.errors import StoreAway

CHAIN = "0000000000001-abcd"


def written(store: DenialStore, count: int) -> Head:
    head = Head()
    for number in range(count):
        entry = Entry.after(head, {"call": "events", "status": 401, "number": number})
        store.append(CHAIN, [entry])
        head = entry.head
    return head


def fault(denials: Denials) -> str:
    return verify(denials.another(), CHAIN).fault


def test_what_was_written_reads_back_and_is_whole(denials: Denials) -> None:
    head = written(denials.another(), 5)
    store = denials.another()
    assert store.chains() == [CHAIN]
    assert [entry.body()["number"] for entry in store.entries(CHAIN)] == [0, 1, 2, 3, 4]
    verdict = verify(store, CHAIN)
    assert (verdict.entries, verdict.head, verdict.fault) == (5, head, "")


def test_an_append_that_is_repeated_is_there_once(denials: Denials) -> None:
    store = denials.another()
    first = Entry.after(Head(), {"number": 0})
    second = Entry.after(first.head, {"number": 1})
    store.append(CHAIN, [first])
    store.append(CHAIN, [second])
    denials.another().append(CHAIN, [second])
    assert [entry.seq for entry in store.entries(CHAIN)] == [1, 2]
    assert fault(denials) == ""


def swapped(rows: list[list[Any]]) -> list[list[Any]]:
    return [rows[0], [2, *rows[2][1:]], [3, *rows[1][1:]], *rows[3:]]


def renumbered(rows: list[list[Any]]) -> list[list[Any]]:
    return [rows[0], *([row[0] - 1, *row[1:]] for row in rows[2:])]


def retold(rows: list[list[Any]]) -> list[list[Any]]:
    return [*rows[:2], [3, rows[2][1], rows[2][2].replace("401", "403")], *rows[3:]]


def anew(rows: list[list[Any]]) -> list[list[Any]]:
    head, made = Head(), []
    for row in rows:
        entry = Entry.after(head, {"forged": row[0]})
        head = entry.head
        made.append([entry.seq, entry.hash, entry.text])
    return made


@pytest.mark.parametrize(("harm", "said"), [
    (swapped, "entry 2 is not what was written"),
    (renumbered, "entry 2 is not what was written"),
    (retold, "entry 3 is not what was written"),
    (anew, "entry 5 is not the one that its head names"),
    (lambda rows: rows[1:], "entry 2 follows entry 0"),
    (lambda rows: [*rows[:2], *rows[3:]], "entry 4 follows entry 2"),
    (lambda rows: rows[:3], "it ends at entry 3, and had 5: the last 2 were cut off"),
    (lambda rows: [], "it ends at entry 0, and had 5"),
], ids=["swapped", "renumbered", "retold", "anew", "no first", "no third", "cut", "emptied"])
def test_harm_is_found_and_named(
    denials: Denials, harm: Callable[[list[list[Any]]], list[list[Any]]], said: str,
) -> None:
    written(denials.another(), 5)
    denials.rewrite(CHAIN, harm)
    assert said in fault(denials)


def test_a_lost_head_is_named(denials: Denials) -> None:
    written(denials.another(), 2)
    denials.lose_head(CHAIN)
    assert "head is missing" in fault(denials)


def test_a_crash_between_entries_and_head_is_no_fault(denials: Denials) -> None:
    head = written(denials.another(), 3)
    denials.rewrite(CHAIN, lambda rows: [*rows, [4, (more := Entry.after(head, {})).hash, more.text]])
    assert fault(denials) == ""


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 4), at=st.integers(0, 200), by=st.integers(1, 255))
def test_any_changed_character_is_found(denials: Denials, place: int, at: int, by: int) -> None:
    if not list(denials.another().entries(CHAIN)):
        written(denials.another(), 5)
    whole: list[list[Any]] = []

    def change(rows: list[list[Any]]) -> list[list[Any]]:
        whole[:] = [list(row) for row in rows]
        text = rows[place][2]
        at_here = at % len(text)
        other = chr((ord(text[at_here]) + by) % 94 + 33)
        other = "!" if other == text[at_here] else other
        rows[place][2] = text[:at_here] + other + text[at_here + 1:]
        return rows

    denials.rewrite(CHAIN, change)
    assert f"entry {place + 1} is not what was written" in fault(denials)
    denials.rewrite(CHAIN, lambda _: whole)
    assert fault(denials) == ""


class Clock:
    def __init__(self) -> None:
        self.now_s = 600.0

    def __call__(self) -> float:
        return self.now_s


def bodies(denials: Denials) -> list[dict[str, Any]]:
    return [entry.body() for entry in denials.another().entries(CHAIN)]


def test_repetitions_within_a_minute_are_counted_and_written_once(denials: Denials) -> None:
    clock = Clock()
    log = DenialLog(denials.another(), CHAIN, clock)
    for _ in range(3):
        log.note(401, "events", "sha256:01234567", "", "events:write", "10.0.0.1")
    log._write(log._take())
    for _ in range(1_000):
        log.note(401, "events", "sha256:01234567", "", "events:write", "10.0.0.1")
    log._write(log._take())
    assert [one["count"] for one in bodies(denials)] == [3]
    clock.now_s += 60.0
    log._write(log._take())
    assert [one["count"] for one in bodies(denials)] == [3, 1_000]
    assert bodies(denials)[0] == {
        "call": "events", "status": 401, "key": "sha256:01234567", "tenant": "", "scope": "events:write",
        "peer": "10.0.0.1", "count": 3, "first_ms": 600_000, "last_ms": 600_000,
    }


def test_a_flood_of_many_kinds_costs_a_bounded_number_of_entries(denials: Denials) -> None:
    clock = Clock()
    log = DenialLog(denials.another(), CHAIN, clock)
    for number in range(5_000):
        log.note(401, "events", f"sha256:{number:08x}", "", "events:write", "10.0.0.1")
        if number % 500 == 0:
            log._write(log._take())
    log.flush()
    told = bodies(denials)
    assert len(told) <= 2 * (limits.DENIAL_KINDS_PER_MINUTE_MAX + 1)
    assert sum(one["count"] for one in told) == 5_000
    assert {one["call"] for one in told} == {"events", OTHERS}
    assert fault(denials) == ""


def test_while_the_store_is_away_refusals_wait_and_nothing_is_doubled(denials: Denials) -> None:
    clock, store = Clock(), denials.another()
    log = DenialLog(store, CHAIN, clock)
    real, store.append = store.append, _away  # type: ignore[method-assign]
    log.note(403, "events", "till", "main", "events:write", "")
    log.flush()
    clock.now_s += 61.0
    log.note(403, "events", "till", "main", "events:write", "")
    log.flush()
    store.append = real  # type: ignore[method-assign]
    log.flush()
    log.flush()
    assert [one["count"] for one in bodies(denials)] == [1, 1]
    assert fault(denials) == ""


def _away(*_: object) -> None:
    raise StoreAway("the store does not answer")


def test_a_channel_that_is_no_name_is_not_put_down(denials: Denials) -> None:
    log = DenialLog(denials.another(), CHAIN, Clock())
    for scope in ("decide:web", "decide:hh-1229@example.org", "decide:*"):
        log.note(403, "decisions", "till", "main", scope, "")
    log.flush()
    assert sorted(one["scope"] for one in bodies(denials)) == ["decide:*", "decide:?", "decide:web"]
