"""Where shards go: evenly, one at a time, away from nodes that leave, and nowhere without a reason."""

from __future__ import annotations

import dataclasses
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cluster.supervision.placement import (
    Abandon,
    Action,
    Begin,
    Continue,
    End,
    Incarnation,
    Make,
    Node,
    State,
    plan,
)
from models import limits

SERVING, STANDBY, STARTING = State.SERVING, State.STANDBY, State.STARTING
A, B, C = Node("a"), Node("b"), Node("c")


def serving(*nodes: str) -> dict[int, list[Incarnation]]:
    return {shard: [Incarnation(1, node, SERVING)] for shard, node in enumerate(nodes)}


def gone(node: Node, deadline_ms: int = 0) -> Node:
    return dataclasses.replace(node, draining=True, deadline_ms=deadline_ms)


class World:
    """Carries actions out at once, as the movers do in the end; starts and stand-bys take a look each."""

    def __init__(self, nodes: list[Node], shards: dict[int, list[Incarnation]], wanted: int) -> None:
        self.nodes, self.wanted = nodes, wanted
        self.shards = {shard: list(shards.get(shard, ())) for shard in range(wanted)}
        self.counter = max((one.number for found in shards.values() for one in found), default=0)

    def settle(self, looks: int = 400) -> list[Action]:
        """Look and act until there is nothing to do; returns all that was done."""
        done: list[Action] = []
        for _ in range(looks):
            actions = plan(self.nodes, self.shards, self.wanted)
            if not actions and not self._started():
                return done
            for action in actions:
                self._do(action)
            done += actions
        raise AssertionError(f"no rest after {looks} looks: {self.shards}")

    def _started(self) -> bool:
        changed = False
        for found in self.shards.values():
            for index, one in enumerate(found):
                if one.state in (STARTING, State.SILENT):
                    found[index] = dataclasses.replace(one, state=STANDBY if len(found) > 1 else SERVING)
                    changed = True
        return changed

    def _do(self, action: Action) -> None:
        found = self.shards[action.shard]
        match action:
            case Make(_, node) | Begin(_, node):
                self.counter += 1
                found.append(Incarnation(self.counter, node, STARTING))
            case End(shard, number) | Abandon(shard, number, _):
                self.shards[shard] = [one for one in found if one.number != number]
            case Continue(shard, number, _):
                newest = next(one for one in found if one.number == number)
                if newest.state not in (STARTING, State.SILENT):
                    self.shards[shard] = [dataclasses.replace(newest, state=SERVING)]
                else:
                    self._started()

    def spread(self) -> Counter[str]:
        return Counter(found[0].node for found in self.shards.values())


states = st.sampled_from(list(State))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    count = draw(st.integers(1, 5))
    nodes = [
        Node(f"n{index}", draw(st.booleans()), draw(st.sampled_from([0, 1_000])), draw(st.sampled_from([0, 1, 1])))
        for index in range(count)
    ]
    places = st.sampled_from([*(node.id for node in nodes), "dead", ""])
    wanted = draw(st.integers(1, 12))
    shards = {
        shard: [
            Incarnation(number, draw(places), draw(states))
            for number in draw(st.lists(st.integers(1, 9), unique=True, max_size=4))
        ]
        for shard in range(wanted)
    }
    return World(nodes, shards, wanted)


@given(worlds())
def test_every_mess_ends_with_each_shard_served_once_and_nothing_left_to_do(world: World) -> None:
    world.settle()
    assert all(len(found) == 1 and found[0].state in (SERVING, State.NO_CATALOG) for found in world.shards.values())
    assert plan(world.nodes, world.shards, world.wanted) == []


@given(worlds())
def test_the_spread_over_nodes_that_stay_differs_by_one_at_most(world: World) -> None:
    for found in world.shards.values():  # what lies on a dead node comes back on a live one before anything moves
        found[:] = [one for one in found if one.node.startswith("n")]
    world.settle()
    homes = [node for node in world.nodes if not node.draining and node.capacity]
    if homes:
        spread = world.spread()
        counts = [spread[node.id] for node in homes]
        assert sum(counts) == world.wanted
        assert max(counts) - min(counts) <= 1


@given(worlds())
def test_a_settled_world_stays_as_it_is_when_it_is_looked_at_again(world: World) -> None:
    world.settle()
    assert world.settle() == []


@given(worlds())
def test_nothing_is_ever_sent_to_a_node_that_leaves_while_another_stays(world: World) -> None:
    staying = {node.id for node in world.nodes if not node.draining}
    for action in plan(world.nodes, world.shards, world.wanted):
        if isinstance(action, Make | Begin) and staying:
            assert action.node in staying


@given(worlds())
def test_never_more_moves_on_their_way_than_allowed(world: World) -> None:
    actions = plan(world.nodes, world.shards, world.wanted)
    begun = sum(isinstance(action, Begin) for action in actions)
    under_way = sum(isinstance(action, Continue | Abandon) for action in actions)
    assert begun == 0 or begun + under_way <= limits.MOVES_AGAINST_DEADLINE_MAX


def test_new_shards_are_spread_over_the_nodes() -> None:
    assert plan([A, B], {}, 3) == [Make(0, "a"), Make(1, "b"), Make(2, "a")]


def test_a_difference_of_one_moves_nothing() -> None:
    assert plan([A, B], serving("a", "a", "b"), 3) == []


def test_a_node_that_joins_is_given_one_shard_at_a_time() -> None:
    assert plan([A, B], serving("a", "a", "a", "a"), 4) == [Begin(3, "b")]
    half = {**serving("a", "a", "a", "a"), 3: [Incarnation(1, "a", SERVING), Incarnation(2, "b", STARTING)]}
    assert plan([A, B], half, 4) == [Continue(3, 2, 1)]


def test_nothing_is_evened_while_a_shard_is_away() -> None:
    broken = {**serving("a", "a", "a", "a"), 0: [Incarnation(1, "a", State.SILENT)]}
    assert plan([A, B], broken, 4) == []


def test_a_draining_node_gives_its_shards_away_one_by_one_and_four_at_once_against_a_deadline() -> None:
    shards = serving("a", "a", "a", "a", "a", "b")
    assert plan([gone(A), B], shards, 6) == [Begin(0, "b")]
    assert plan([gone(A, 1_000), B], shards, 6) == [Begin(shard, "b") for shard in range(4)]


def test_a_drain_comes_before_an_even_spread() -> None:
    assert plan([A, gone(B), C], serving("a", "a", "a", "b"), 4) == [Begin(3, "c")]


def test_the_last_node_keeps_its_shards_even_if_it_leaves() -> None:
    assert plan([gone(A)], serving("a", "a"), 2) == []


def test_a_node_without_capacity_takes_shards_only_when_there_is_no_other() -> None:
    head = Node("a", capacity=0)
    assert plan([head, B], {}, 2) == [Make(0, "b"), Make(1, "b")]
    assert plan([head], {}, 1) == [Make(0, "a")]
    assert plan([head, B], serving("a"), 1) == [Begin(0, "b")]


def test_a_superseded_incarnation_is_ended() -> None:
    two = {0: [Incarnation(4, "b", SERVING), Incarnation(3, "a", State.SILENT)]}
    assert plan([A, B], two, 1) == [End(0, 3)]


def test_one_that_is_lost_is_replaced_at_once_and_ended_when_the_next_serves() -> None:
    lost = Incarnation(3, "a", State.LOST)
    assert plan([A, B], {0: [lost]}, 1) == [Make(0, "b")]
    assert plan([A, B], {0: [lost, Incarnation(4, "b", STARTING)]}, 1) == []
    assert plan([A, B], {0: [lost, Incarnation(4, "b", SERVING)]}, 1) == [End(0, 3)]


def test_nothing_is_made_on_a_node_that_may_be_cut_off_unless_there_is_no_other() -> None:
    lost = {**serving("b", "b", "c"), 3: [Incarnation(1, "a", State.LOST)]}
    assert plan([A, B, C], lost, 4) == [Make(3, "c")]
    assert plan([A, gone(B), C], lost, 4)[:2] == [Make(3, "c"), Begin(0, "c")]
    assert plan([A], {0: lost[3]}, 1) == [Make(0, "a")]


def test_a_lost_standby_is_ended_where_the_older_one_serves() -> None:
    assert plan([A, B], {0: [Incarnation(3, "a", SERVING), Incarnation(4, "b", State.LOST)]}, 1) == [End(0, 4)]


def test_a_spare_standby_is_ended_and_the_newest_goes_on() -> None:
    three = {0: [Incarnation(1, "a", SERVING), Incarnation(2, "b", STANDBY), Incarnation(3, "b", STARTING)]}
    assert plan([A, B], three, 1) == [End(0, 2), Continue(0, 3, 1)]


def test_a_move_to_a_node_that_leaves_is_abandoned() -> None:
    moving = {0: [Incarnation(1, "a", SERVING), Incarnation(2, "b", STANDBY)]}
    assert plan([A, gone(B)], moving, 1) == [Abandon(0, 2, 1)]


def test_a_standby_whose_older_one_has_gone_is_told_to_serve() -> None:
    assert plan([A], {0: [Incarnation(2, "a", STANDBY)]}, 1) == [Continue(0, 2, None)]


def test_a_released_shard_whose_successor_has_gone_goes_on() -> None:
    assert plan([A], {0: [Incarnation(1, "a", State.RELEASED)]}, 1) == [Continue(0, 1, None)]


def test_without_a_node_there_is_nothing_to_do() -> None:
    assert plan([], serving("a"), 1) == []
