"""The loop that keeps an installation in being: once a second it looks at what is there and does what is missing.

It has no memory that matters. Whoever runs it (an actor on a cluster, `kairos up` itself otherwise) may die at any
point; the next one sees the same nodes, actors and journals, and goes on. Whatever fails is logged and tried again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Final, Protocol

import structlog

from cluster.supervision.moving import Mover, Shards, Silent
from cluster.supervision.nodes import LiveNode
from cluster.supervision.placement import SERVES, Abandon, Action, Begin, Continue, End, Incarnation, Make, Node, plan
from models import limits

log = structlog.get_logger(__name__)
INTERVAL_S: Final = 1.0
#: Beside the shards' numbers in the list of what is being moved.
_COORDINATOR: Final = -1


class LiveActors(Shards, Protocol):
    """See ``cluster.actors_of.Actors``."""

    shards: int
    restarts: int

    def survey(self) -> dict[int, list[Incarnation]]: ...

    def coordinator(self) -> Any: ...

    def coordinator_node(self) -> str: ...

    def coordinator_is_lost(self) -> bool: ...

    def make_coordinator(self, node: str) -> None: ...

    def move_coordinator(self, node: str) -> None: ...


class Serving(Protocol):
    def look(self) -> None: ...


class Counting(Protocol):
    """See ``cluster.supervision.insight.InsightKeeper``."""

    def look(self, nodes: Sequence[Node]) -> None: ...

    def stop(self) -> None: ...


class Supervisor:
    def __init__(
        self, actors: LiveActors, nodes: Callable[[], list[LiveNode]], *, only_node: str | None = None,
    ) -> None:
        """``only_node``: where the journals are files of one node, this one."""
        self._actors, self._live_nodes, self._only_node = actors, nodes, only_node
        #: None while (or where) somebody else deploys the Serve applications.
        self.serving: Serving | None = None
        #: None where nobody counts (yet): nothing else waits for it.
        self.insight: Counting | None = None
        self._mover = Mover(actors, wait=self._pause)
        self._pool = ThreadPoolExecutor(limits.MOVES_AGAINST_DEADLINE_MAX + 1, thread_name_prefix="moving")
        self._moving: dict[int, Future[Any]] = {}
        self._ended = threading.Event()
        self._nodes: list[LiveNode] = []
        self._shards: dict[int, list[Incarnation]] = {}
        self._moves: dict[str, int] = {"done": 0, "abandoned": 0}
        self._made = 0
        self._coordinator_at = ""

    def run(self) -> None:
        """Until ``stop``."""
        while not self._ended.wait(INTERVAL_S):
            self.look()

    def stop(self) -> None:
        """Start nothing any more, and wait for what is being moved."""
        self._ended.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self.insight is not None:
            self.insight.stop()

    def look(self) -> None:
        """One look, and what follows from it. Raises nothing."""
        try:
            self._look()
        except Exception as error:
            log.warning("a look at the cluster failed; the next one comes", error=type(error).__name__,
                        detail=str(error)[:500])

    def view(self) -> dict[str, Any]:
        """Nodes with their shards, moves under way and done, restarts; plain values."""
        homes_of = {shard: _serving(found).node for shard, found in self._shards.items() if found}
        return {
            "nodes": [
                {
                    **asdict(node), "coordinator": node.id == self._coordinator_at,
                    "shards": sorted(shard for shard, home in homes_of.items() if home == node.id),
                }
                for node in self._nodes
            ],
            "moving": sorted(shard for shard, work in self._moving.items() if shard >= 0 and not work.done()),
            "moves": dict(self._moves), "made": self._made, "restarts": self._actors.restarts,
        }

    def has_left(self, node: str) -> bool:
        """Whether a node drains, others stay, and nothing of this installation is left on it."""
        leaving = {one.id for one in self._nodes if one.draining}
        if node not in leaving or all(one.id in leaving for one in self._nodes):
            return False
        busy = {one.node for found in self._shards.values() for one in found}
        return node not in busy and self._coordinator_at != node

    def _look(self) -> None:
        self._nodes = self._live_nodes()
        nodes = [one.to_place() for one in self._nodes if self._only_node in (None, one.id)]
        self._moving = {shard: work for shard, work in self._moving.items() if not work.done()}
        if not nodes:
            return
        self._keep_coordinator(nodes)
        self._shards = self._actors.survey()
        for action in plan(nodes, self._shards, self._actors.shards):
            if self._ended.is_set():
                return
            self._do(action)
        if self.serving is not None:
            self.serving.look()
        if self.insight is not None:
            self.insight.look(nodes)

    def _keep_coordinator(self, nodes: list[Node]) -> None:
        if _COORDINATOR in self._moving:
            return
        here = {node.id: node for node in nodes}
        stays = [node.id for node in nodes if not node.draining]
        wanted = stays[0] if stays else nodes[0].id
        if self._actors.coordinator() is None:
            log.info("starting the coordinator", node=wanted[:8])
            self._actors.make_coordinator(wanted)
            return
        self._coordinator_at = self._actors.coordinator_node()
        if not stays:
            return
        at = self._coordinator_at
        if at in here and here[at].draining:
            log.info("the coordinator leaves a node that drains", node=at[:8], to=wanted[:8])
            self._begin(_COORDINATOR, self._actors.move_coordinator, wanted)
        elif self._actors.coordinator_is_lost():
            # It hangs, or its node cannot be reached: what it still writes is fenced by its successor.
            elsewhere = next((node for node in stays if node != at), wanted)
            log.warning("the coordinator is silent; another takes its place", node=at[:8], to=elsewhere[:8])
            self._begin(_COORDINATOR, self._actors.move_coordinator, elsewhere)

    def _do(self, action: Action) -> None:
        if action.shard in self._moving:
            return
        match action:
            case Make(shard, node):
                self._mover.make(shard, node)
                self._made += 1
            case Begin(shard, node):
                log.info("a shard begins to move", shard=shard, to=node[:8])
                self._mover.make(shard, node, standby=True)
            case Continue(shard, newest, older):
                self._begin(shard, self._finish, shard, newest, older)
            case Abandon(shard, newest, older):
                log.info("a move is abandoned: its target leaves", shard=shard, incarnation=newest)
                self._moves["abandoned"] += 1
                self._begin(shard, self._mover.undo, shard, newest, older)
            case End(shard, incarnation):
                log.info("ending a superseded incarnation", shard=shard, incarnation=incarnation)
                self._actors.end(shard, incarnation)

    def _pause(self, seconds: float) -> None:
        """Between two questions of a mover. Raises ``Silent`` at the end, so that an unfinished move is undone."""
        if self._ended.wait(seconds):
            raise Silent("the supervisor ends")

    def _finish(self, shard: int, newest: int, older: int | None) -> None:
        self._moves["done" if self._mover.finish(shard, newest, older) else "abandoned"] += 1

    def _begin(self, key: int, work: Callable[..., Any], *arguments: Any) -> None:
        def guarded() -> None:
            try:
                work(*arguments)
            except Exception as error:
                log.warning("a move failed; the next look decides anew", shard=key, error=type(error).__name__,
                            detail=str(error)[:500])

        self._moving[key] = self._pool.submit(guarded)


def _serving(found: list[Incarnation]) -> Incarnation:
    """The one that serves; failing that the newest."""
    return max(found, key=lambda one: (one.state in SERVES, one.number))
