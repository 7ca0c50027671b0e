"""Insight is kept in being, moves from a node that drains, and is replaced when it says nothing any more."""

from __future__ import annotations

from cluster.supervision.insight import InsightKeeper
from cluster.supervision.placement import Node


class Live:
    def __init__(self) -> None:
        self.at: str | None = None
        self.lost = self.fails = False
        self.done: list[str] = []

    def node(self) -> str | None:
        return self.at

    def is_lost(self) -> bool:
        return self.lost

    def make(self, node: str) -> None:
        self.done.append(f"made on {node}")
        self.at, self.lost = node, False

    def end(self) -> None:
        if self.fails:
            raise RuntimeError("it cannot be ended")
        self.done.append("ended")
        self.at = None


def look(keeper: InsightKeeper, *nodes: Node) -> None:
    keeper.look(nodes)
    if keeper._work is not None:
        keeper._work.join(10)


def test_it_is_made_once_where_a_node_stays() -> None:
    live = Live()
    keeper = InsightKeeper(live)
    for _ in range(3):
        look(keeper, Node("a", draining=True), Node("b"))
    assert live.done == ["made on b"]


def test_without_a_node_nothing_is_done() -> None:
    live = Live()
    look(InsightKeeper(live))
    assert live.done == []


def test_it_leaves_a_node_that_drains_unless_there_is_no_other() -> None:
    live = Live()
    keeper = InsightKeeper(live)
    look(keeper, Node("a"), Node("b"))
    look(keeper, Node("a", draining=True))
    assert live.done == ["made on a"]
    look(keeper, Node("a", draining=True), Node("b"))
    assert live.done == ["made on a", "ended", "made on b"]


def test_one_that_is_lost_is_replaced_elsewhere_if_there_is_an_elsewhere() -> None:
    live = Live()
    keeper = InsightKeeper(live)
    look(keeper, Node("a"), Node("b"))
    live.lost = True
    look(keeper, Node("a"), Node("b"))
    live.lost = True
    look(keeper, Node("b"))
    assert live.done == ["made on a", "ended", "made on b", "ended", "made on b"]


def test_what_fails_is_tried_again_at_the_next_look() -> None:
    live = Live()
    keeper = InsightKeeper(live)
    look(keeper, Node("a"))
    live.lost = live.fails = True
    look(keeper, Node("a"))
    live.fails = False
    look(keeper, Node("a"))
    assert live.done == ["made on a", "ended", "made on a"]


def test_once_it_is_told_to_stop_nothing_comes_back() -> None:
    live = Live()
    keeper = InsightKeeper(live)
    look(keeper, Node("a"))
    live.lost = True
    keeper.stop()
    look(keeper, Node("a"))
    live.at = None
    look(keeper, Node("a"))
    assert live.done == ["made on a"]
