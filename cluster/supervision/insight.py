"""Keeps the Insight actor in being. Nothing waits for it, so it is made last, and replaced in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final, Protocol

import ray
import structlog

from actors import naming
from actors.insight_actor import Insight
from actors.stores.interface import Installation
from cluster.actors_of import OPTIONS, Pulse, actor_of, actor_settings, drain_and_end, on_node, place_of
from cluster.settings import Settings
from cluster.store_of import store_of
from cluster.supervision.placement import Node
from models import limits

log = structlog.get_logger(__name__)
_DRAIN_WAIT_S: Final = 2 * limits.INSIGHT_DRAIN_MS_MAX / limits.SECOND_MS


class LiveInsight(Protocol):
    """What there is of it."""

    def node(self) -> str | None:
        """Where it is; "" when that is not known (yet), None when there is none."""

    def is_lost(self) -> bool:
        """Whether it has left a question unanswered for too long. Asks, and waits for no answer."""

    def make(self, node: str) -> None: ...

    def end(self) -> None:
        """Let it keep what it has counted, and end it for good. Blocks."""


class InsightKeeper:
    """``look`` is quick, and raises nothing."""

    def __init__(self, insight: LiveInsight) -> None:
        self._insight = insight
        self._work: threading.Thread | None = None
        self._ended = False

    def look(self, nodes: Sequence[Node]) -> None:
        """``nodes``: where it may be, the best first."""
        if self._ended or not nodes or (self._work is not None and self._work.is_alive()):
            return
        stays = [node.id for node in nodes if not node.draining]
        wanted = stays[0] if stays else nodes[0].id
        at = self._insight.node()
        if at is None:
            log.info("starting Insight", node=wanted[:8])
            self._insight.make(wanted)
            return
        leaves = bool(stays) and any(node.id == at and node.draining for node in nodes)
        if leaves or self._insight.is_lost():
            elsewhere = next((node for node in stays if node != at), wanted)
            log.info("Insight is started elsewhere", node=at[:8], to=elsewhere[:8])
            self._work = threading.Thread(target=self._move, args=(elsewhere,), name="insight", daemon=True)
            self._work.start()

    def stop(self) -> None:
        """Make none any more, and wait for what is under way."""
        self._ended = True
        if self._work is not None:
            self._work.join(2 * _DRAIN_WAIT_S)

    def _move(self, node: str) -> None:
        try:
            self._insight.end()
            if not self._ended:
                self._insight.make(node)
        except Exception as error:
            log.warning("Insight could not be moved; the next look decides anew", error=type(error).__name__)


class RayInsight:
    def __init__(self, settings: Settings, installation: Installation) -> None:
        self._plain = actor_settings(settings, installation)
        self._may_move = store_of(settings).shards_may_move
        self._class = ray.remote(Insight)
        self._pulse = Pulse()

    def node(self) -> str | None:
        handle = actor_of(naming.INSIGHT)
        return None if handle is None else place_of(handle)[0]

    def is_lost(self) -> bool:
        return self._pulse.is_lost(actor_of(naming.INSIGHT))

    def make(self, node: str) -> None:
        self._pulse = Pulse()
        placed = {"scheduling_strategy": on_node(node, movable=self._may_move)} if node else {}
        self._class.options(name=naming.INSIGHT, **OPTIONS, **placed).remote(self._plain)

    def end(self) -> None:
        end_insight()


def end_insight() -> None:
    """Let it read to the end and keep what it has counted, then end it for good. What it does not keep in time is read
    again at the next start."""
    if not drain_and_end(naming.INSIGHT, _DRAIN_WAIT_S):
        log.warning("Insight did not drain; its successor reads on from its last snapshot")
