"""The loop: what is missing is made, what leaves is moved, what fails is tried again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from support.server import eventually
from unit.supervision.cluster_of_shards import FakeShards, Live

from cluster.supervision.nodes import LiveNode
from cluster.supervision.placement import Incarnation, State
from cluster.supervision.supervisor import Supervisor

HEAD = LiveNode("a" * 56, "head", "10.0.0.1", True, 1.0, False, 0)
WORKER = LiveNode("b" * 56, "worker", "10.0.0.2", False, 1.0, False, 0)


class FakeActors(FakeShards):
    """One shard and a coordinator."""

    shards = 1
    restarts = 0
    at = ""
    looks_to_fail = 0
    #: Where a coordinator says nothing any more.
    frozen_at = "nowhere"

    def survey(self) -> dict[int, list[Incarnation]]:
        if self.looks_to_fail:
            self.looks_to_fail -= 1
            raise ConnectionError("the head is away")
        return {0: [Incarnation(number, one.node, one.state) for number, one in self.live.items()]}

    def coordinator(self) -> object:
        return self.at or None

    def coordinator_node(self) -> str:
        return self.at

    def coordinator_is_lost(self) -> bool:
        return self.at == self.frozen_at

    def make_coordinator(self, node: str) -> None:
        self.at = node

    def move_coordinator(self, node: str) -> None:
        self.at = node


class Cluster:
    def __init__(self) -> None:
        self.nodes = [HEAD]
        self.actors = FakeActors()
        self.supervisor = Supervisor(self.actors, lambda: self.nodes)

    def look_until_settled(self) -> None:
        """Movers work in threads of their own, as they do in a live supervisor."""

        def settled() -> bool:
            self.supervisor.look()
            live = list(self.actors.live.values())
            return not self.supervisor.view()["moving"] and [one.state for one in live] == [State.SERVING]

        eventually("the shard serves", settled)

    def serve(self, node: LiveNode) -> None:
        self.actors.live = {1: Live(State.SERVING, node.id)}
        self.actors.owner = self.actors.stored_incarnation = 1
        self.actors.at = node.id


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    yield made
    made.supervisor.stop()


def draining(node: LiveNode) -> LiveNode:
    return dataclasses.replace(node, draining=True)


def test_the_first_look_makes_the_coordinator_and_the_shards(cluster: Cluster) -> None:
    cluster.supervisor.look()
    assert cluster.actors.at == HEAD.id
    assert list(cluster.actors.live) == [1]


def test_a_shard_that_is_gone_for_good_is_made_again_above_what_the_store_knows(cluster: Cluster) -> None:
    cluster.serve(HEAD)
    cluster.actors.live.clear()
    cluster.actors.stored_incarnation = 5
    cluster.supervisor.look()
    assert list(cluster.actors.live) == [6]


def test_shard_and_coordinator_leave_a_node_that_drains(cluster: Cluster) -> None:
    cluster.nodes = [HEAD, WORKER]
    cluster.serve(WORKER)
    cluster.nodes = [HEAD, draining(WORKER)]
    cluster.look_until_settled()
    assert [one.node for one in cluster.actors.live.values()] == [HEAD.id]
    eventually("the coordinator has moved", lambda: cluster.actors.at == HEAD.id)
    cluster.supervisor.look()
    assert cluster.supervisor.has_left(WORKER.id)
    assert cluster.supervisor.view()["moves"] == {"done": 1, "abandoned": 0}


def test_a_node_is_not_left_before_everything_has_gone_nor_when_no_other_stays(cluster: Cluster) -> None:
    cluster.serve(WORKER)
    cluster.nodes = [draining(WORKER)]
    cluster.supervisor.look()
    assert not cluster.supervisor.has_left(WORKER.id)
    assert list(cluster.actors.live) == [1]


def test_a_coordinator_that_says_nothing_any_more_is_made_anew_on_another_node(cluster: Cluster) -> None:
    cluster.nodes = [HEAD, WORKER]
    cluster.serve(HEAD)
    cluster.look_until_settled()
    cluster.actors.frozen_at = HEAD.id
    cluster.supervisor.look()
    eventually("another coordinator is there", lambda: cluster.actors.at == WORKER.id)


def test_a_look_that_fails_is_followed_by_the_next(cluster: Cluster) -> None:
    cluster.actors.looks_to_fail = 1
    cluster.supervisor.look()
    assert list(cluster.actors.live) == []
    cluster.supervisor.look()
    assert list(cluster.actors.live) == [1]


def test_where_journals_are_files_of_a_node_no_other_node_is_looked_at() -> None:
    actors = FakeActors()
    alone = Supervisor(actors, lambda: [HEAD, WORKER], only_node=WORKER.id)
    alone.look()
    assert [one.node for one in actors.live.values()] == [WORKER.id]
    assert actors.at == WORKER.id
    alone.stop()


def test_the_view_tells_where_what_is(cluster: Cluster) -> None:
    cluster.nodes = [HEAD, WORKER]
    cluster.serve(WORKER)
    cluster.supervisor.look()
    nodes = {node["name"]: node for node in cluster.supervisor.view()["nodes"]}
    assert (nodes["head"]["shards"], nodes["worker"]["shards"]) == ([], [0])
    assert (nodes["head"]["coordinator"], nodes["worker"]["coordinator"]) == (False, True)


def test_a_stopped_supervisor_undoes_the_move_that_waits_for_a_standby(cluster: Cluster) -> None:
    cluster.serve(HEAD)
    cluster.nodes = [draining(HEAD), WORKER]
    cluster.actors.live[2] = Live(State.STANDBY, WORKER.id, seq=0)
    cluster.actors.live[1].seq = 10_000  # the standby stays far behind
    asked: list[tuple[str, int]] = []
    cluster.actors.before = lambda method, incarnation: asked.append((method, incarnation))
    cluster.supervisor.look()
    eventually("the move waits", lambda: ("status", 1) in asked)
    cluster.supervisor.stop()
    assert list(cluster.actors.live) == [1]
    assert cluster.actors.serving() == [1]
