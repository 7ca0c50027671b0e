"""A move ends with one incarnation that serves, whatever dies in between and whoever goes on with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.supervision.cluster_of_shards import FakeShards, Live

from cluster.supervision.moving import Mover, Silent
from cluster.supervision.placement import State


class Clock:
    """Goes on only when somebody waits or asks."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 0.001
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


def mover(shards: FakeShards) -> Mover:
    clock = Clock()
    return Mover(shards, wait=clock.wait, clock=clock)


def moving() -> FakeShards:
    """Incarnation 3 serves on a, 4 stands by on b."""
    return FakeShards({3: Live(State.SERVING), 4: Live(State.STANDBY, "b")}, stored_incarnation=3, owner=3)


def test_the_older_is_released_before_the_newer_serves_and_ended_after() -> None:
    shards = moving()
    assert mover(shards).finish(0, 4, 3)
    assert shards.calls == ["release 3", "serve 4", "end 3"]
    assert list(shards.live) == [4]
    assert shards.serving() == [4]


def test_an_incarnation_is_numbered_above_all_that_live_and_all_that_the_store_knows() -> None:
    assert mover(FakeShards(stored_incarnation=7)).make(0, "a") == 8
    assert mover(FakeShards({9: Live(State.STANDBY)}, stored_incarnation=7)).make(0, "a") == 10
    assert mover(FakeShards()).make(0, "a") == 1


def test_nobody_is_released_before_the_standby_has_caught_up() -> None:
    shards = moving()
    shards.live[4].seq = 0
    shards.live[3].seq = 10_000
    asked = 0

    def catch_up(method: str, incarnation: int) -> None:
        nonlocal asked
        if (method, incarnation) == ("status", 4):
            asked += 1
            shards.live[4].seq += 1_000
        assert method != "release" or shards.live[4].seq >= 9_936

    shards.before = catch_up
    assert mover(shards).finish(0, 4, 3)
    assert asked == 10


def test_an_older_one_that_does_not_answer_is_passed_over() -> None:
    shards = moving()
    shards.live[3].silent = True
    assert mover(shards).finish(0, 4, 3)
    assert list(shards.live) == [4]


def test_a_newer_one_that_dies_before_it_serves_leaves_the_older_serving() -> None:
    shards = moving()

    def die(method: str, incarnation: int) -> None:
        if method == "serve":
            shards.live.pop(incarnation)

    shards.before = die
    assert not mover(shards).finish(0, 4, 3)
    assert shards.serving() == [3]


def test_a_newer_one_whose_answer_was_lost_serves_all_the_same() -> None:
    shards = moving()

    def lose(method: str, incarnation: int) -> None:
        if method == "serve":
            shards.calls.append(f"serve {incarnation}")
            shards._serve(incarnation, shards.live[incarnation])
            raise Silent("the answer was lost")

    shards.before = lose
    assert mover(shards).finish(0, 4, 3)
    assert shards.serving() == [4]


def test_a_standby_that_never_answers_is_given_up_and_the_older_goes_on() -> None:
    shards = moving()
    shards.live[4].silent = True
    assert not mover(shards).finish(0, 4, 3)
    assert (list(shards.live), shards.serving()) == ([3], [3])


def test_a_standby_alone_takes_over_and_a_released_one_alone_goes_on() -> None:
    alone = FakeShards({4: Live(State.STANDBY)}, stored_incarnation=3, owner=3)
    assert mover(alone).finish(0, 4, None)
    assert alone.serving() == [4]
    released = FakeShards({3: Live(State.RELEASED)}, stored_incarnation=3, owner=3)
    assert mover(released).finish(0, 3, None)
    assert released.serving() == [3]


def test_a_move_can_be_undone_after_the_release() -> None:
    shards = moving()
    shards.live[3].state = State.RELEASED
    mover(shards).undo(0, 4, 3)
    assert (list(shards.live), shards.serving()) == ([3], [3])


class SupervisorDiedError(Exception):
    """The mover's process ends here."""


@given(st.integers(0, 12), st.integers(0, 12))
def test_a_successor_brings_a_move_to_its_end_wherever_two_predecessors_died(first: int, second: int) -> None:
    shards = moving()
    for dies_at in (first, second):
        left = [dies_at]

        def die(_method: str, _incarnation: int, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise SupervisorDiedError

        shards.before = die
        try:
            mover(shards).finish(0, 4, 3 if 3 in shards.live else None)
        except SupervisorDiedError:
            continue
    shards.before = lambda _method, _incarnation: None
    assert mover(shards).finish(0, 4, 3 if 3 in shards.live else None)
    assert (list(shards.live), shards.serving()) == ([4], [4])


@pytest.mark.parametrize("dies", ["status", "release", "serve"])
def test_whichever_step_the_older_one_dies_at_the_newer_serves(dies: str) -> None:
    shards = moving()

    def die(method: str, incarnation: int) -> None:
        if (method, incarnation) == (dies, 3) or method == dies == "serve":
            shards.live.pop(3, None)

    shards.before = die
    assert mover(shards).finish(0, 4, 3)
    assert shards.serving() == [4]
