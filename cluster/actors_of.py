"""The live actors of an installation: finds them by name, makes them, asks them, ends them.

Names are all there is to know: an incarnation of a shard is alive while Ray lists its name. Everything here may be
called by several threads, and blocks.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

import ray
import structlog
from ray._private.state import actors as actor_table
from ray.exceptions import ActorUnavailableError, GetTimeoutError, RayActorError, RayError, RayTaskError
from ray.util import list_named_actors
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors import naming
from actors.coordinator import Coordinator
from actors.profile_shard import ProfileShard
from actors.stores.interface import Installation, Store
from cluster.settings import Settings
from cluster.store_of import plain_store, store_of
from cluster.supervision.moving import Gone, Silent
from cluster.supervision.placement import Incarnation, State
from models import limits
from models.canonical import unpack
from models.times import parse_time_ms

log = structlog.get_logger(__name__)
#: A shard or coordinator comes back for ever, but a call to it is never repeated by Ray: the caller decides. It takes
#: no processor, but one byte: Ray puts actors that take nothing on any node, whichever was asked for, and takes a node
#: that holds only such for idle, which it ends without waiting when the node drains.
OPTIONS: Final[dict[str, Any]] = {
    "namespace": naming.NAMESPACE, "lifetime": "detached", "max_restarts": -1, "max_task_retries": 0, "num_cpus": 0,
    "memory": 1, "get_if_exists": True,
}
#: All are asked at once; who does not answer within this time is silent for this look.
_LOOK_WAIT_S: Final = 1.0
_MOVE_WAIT_S: Final = limits.MOVE_STEP_MS_MAX / limits.SECOND_MS
_POLL_S: Final = 0.05
_LOST_S: Final = limits.SHARD_SILENT_MS_MAX / limits.SECOND_MS


def actor_settings(settings: Settings, installation: Installation) -> dict[str, Any]:
    """Plain values that every actor is constructed from (they cross process borders): nothing secret."""
    mode, _, begin = settings.clock.partition(":")
    return {
        **plain_store(settings), "shards": installation.shards, "clock": mode,
        "clock_ms": parse_time_ms(begin) if begin else 0, "log_level": settings.log_level, "scorer": settings.scorer,
        "access_log_ratio": settings.access_log_ratio, "traces": settings.traces, "trace_ratio": settings.trace_ratio,
        "link_host": "127.0.0.1" if settings.address is None else "",
    }


@dataclass(slots=True)
class _Known:
    """What is remembered of an incarnation between two looks."""

    handle: Any
    node: str = ""
    pid: int = 0
    #: A question that was not answered yet; no second one is asked meanwhile.
    asked: Any = None
    status: dict[str, Any] = field(default_factory=dict)
    #: When it last answered or Ray was at work on it (monotonic).
    heard: float = field(default_factory=time.monotonic)


class Actors:
    """The coordinator, and the incarnations of the shards."""

    def __init__(self, settings: Settings, installation: Installation) -> None:
        self._settings = settings
        self._plain = actor_settings(settings, installation)
        self._bounds = {"resident_bytes": settings.resident_bytes, "retention_ms": settings.retention_ms}
        self.store: Store = store_of(settings)
        self.shards = installation.shards
        # Each ``ray.remote`` of a class is exported to the cluster and kept there: once, not at every look.
        self._coordinator, self._shard = ray.remote(Coordinator), ray.remote(ProfileShard)
        self._known: dict[tuple[int, int], _Known] = {}
        self._lock = threading.Lock()
        #: How often a process was seen that stands in the place of an earlier one.
        self.restarts = 0
        self._coordinator_pulse = Pulse()

    # the incarnations, as movers use them

    def numbers(self, shard: int) -> list[int]:
        return [number for one, number in self.live() if one == shard]

    def live(self) -> list[tuple[int, int]]:
        """Shard and incarnation of all that Ray lists."""
        return [found for name in _names() if (found := naming.parse_shard_name(name)) is not None]

    def stored(self, shard: int) -> int:
        """Only where shards move: elsewhere the journal's files admit one process at a time, whatever its number."""
        if not self.store.shards_may_move:
            return 0
        journal = self.store.journal(naming.shard_owner(shard))
        try:
            return journal.incarnation()
        finally:
            journal.close()

    def make(self, shard: int, incarnation: int, node: str, standby: bool) -> None:
        name = naming.shard_name(shard, incarnation)
        more = {"shard": shard, "incarnation": incarnation, "standby": standby}
        handle = self._shard.options(name=name, **OPTIONS, **self._on(node)).remote(
            {**self._plain, **self._bounds, **more},
        )
        with self._lock:
            self._known[shard, incarnation] = _Known(handle, node)
        log.info("started an incarnation", shard=shard, incarnation=incarnation, node=node[:8], standby=standby)

    def call(self, shard: int, incarnation: int, method: str, wait_s: float) -> bytes:
        name = naming.shard_name(shard, incarnation)
        known = self._find(shard, incarnation)
        try:
            answer: bytes = ray.get(getattr(known.handle, method).remote(), timeout=wait_s)
        except (GetTimeoutError, ActorUnavailableError, RayTaskError) as error:
            raise Silent(f"{name}.{method}: {type(error).__name__}") from error
        except RayActorError as error:
            raise Gone(f"{name}.{method}: {type(error).__name__}") from error
        return answer

    def end(self, shard: int, incarnation: int) -> None:
        try:
            handle = self._find(shard, incarnation).handle
        except Gone:
            return
        ray.kill(handle, no_restart=True)
        self._forget(shard, incarnation)

    # what is there

    def survey(self) -> dict[int, list[Incarnation]]:
        """All live incarnations, with what they say of themselves. Where shards do not move nobody is asked."""
        found = self._refreshed()
        if self.store.shards_may_move:
            self._ask(list(found.values()))
        shards: dict[int, list[Incarnation]] = {}
        for (shard, number), known in found.items():
            shards.setdefault(shard, []).append(Incarnation(number, known.node, self._state(known)))
        return shards

    def handles(self) -> list[Any]:
        """Of all live incarnations."""
        return [known.handle for known in self._refreshed().values()]

    def _refreshed(self) -> dict[tuple[int, int], _Known]:
        live = set(self.live())
        with self._lock:
            for gone in self._known.keys() - live:
                del self._known[gone]
        found = {}
        for shard, number in sorted(live):
            try:
                found[shard, number] = self._find(shard, number)
            except Gone:
                continue
        return found

    def _ask(self, known: list[_Known]) -> None:
        for one in known:
            if one.asked is None:
                one.asked = one.handle.status.remote()
        questions = [one.asked for one in known]
        if questions:
            ray.wait(questions, num_returns=len(questions), timeout=_LOOK_WAIT_S)
        for one in known:
            one.status = self._answer(one)

    def _answer(self, known: _Known) -> dict[str, Any]:
        """Empty when there is none yet."""
        try:
            status: dict[str, Any] = unpack(ray.get(known.asked, timeout=0))
        except GetTimeoutError:
            self._look_up(known)
            return {}
        except (RayActorError, RayTaskError):
            known.asked = None
            self._look_up(known)
            return {}
        known.asked, known.heard = None, time.monotonic()
        known.node = status.get("node_id") or known.node
        pid = int(status.get("pid", 0))
        self.restarts += bool(known.pid and pid and pid != known.pid)
        known.pid = pid or known.pid
        return status

    @staticmethod
    def _look_up(known: _Known) -> None:
        """Of one that is silent: where it is, and whether Ray is about to start it (again)."""
        node, is_alive = place_of(known.handle)
        known.node = node or known.node
        if not is_alive:
            known.heard = time.monotonic()

    def _state(self, known: _Known) -> State:
        if not self.store.shards_may_move:
            return State.SERVING
        if known.status:
            return State(known.status["state"])
        return State.LOST if time.monotonic() - known.heard > _LOST_S else State.SILENT

    def _find(self, shard: int, incarnation: int) -> _Known:
        """Raises ``Gone``."""
        with self._lock:
            known = self._known.get((shard, incarnation))
        if known is None:
            handle = actor_of(naming.shard_name(shard, incarnation))
            if handle is None:
                raise Gone(f"there is no actor {naming.shard_name(shard, incarnation)}")
            known = _Known(handle, place_of(handle)[0])
            with self._lock:
                known = self._known.setdefault((shard, incarnation), known)
        return known

    def _forget(self, shard: int, incarnation: int) -> None:
        with self._lock:
            self._known.pop((shard, incarnation), None)

    # the coordinator

    def coordinator(self) -> Any:
        """Its handle, or None."""
        return actor_of(naming.COORDINATOR)

    def coordinator_node(self) -> str:
        """"" when it has none (yet)."""
        handle = self.coordinator()
        return place_of(handle)[0] if handle is not None else ""

    def coordinator_is_lost(self) -> bool:
        """See ``Pulse``."""
        return self._coordinator_pulse.is_lost(self.coordinator())

    def make_coordinator(self, node: str) -> None:
        self._coordinator_pulse = Pulse()
        self._coordinator.options(name=naming.COORDINATOR, **OPTIONS, **self._on(node)).remote(self._plain)

    def move_coordinator(self, node: str) -> None:
        """It has no standby: no decision waits for it. Its journal is closed before its successor starts."""
        if not drain_and_end(naming.COORDINATOR, _MOVE_WAIT_S):
            log.warning("the coordinator did not drain; its successor fences it")
        self.make_coordinator(node)

    def _on(self, node: str) -> dict[str, Any]:
        return {"scheduling_strategy": on_node(node, movable=self.store.shards_may_move)} if node else {}


class Pulse:
    """Whether the one actor of a kind has said nothing for so long that it counts as lost. Asks, and waits for no
    answer.

    What counts is the time since it was asked in vain: whoever looks seldom must not take that for silence."""

    def __init__(self) -> None:
        #: The answer that is awaited, and since when it was asked in vain (monotonic; None while it answers, or Ray is
        #: at work on it).
        self._asked: Any = None
        self._unheard_since: float | None = None

    def is_lost(self, handle: Any) -> bool:
        """``handle``: None where there is none."""
        now = time.monotonic()
        if handle is None or self._has_answered(handle) or not place_of(handle)[1]:
            self._unheard_since = None
        elif self._unheard_since is None:
            self._unheard_since = now
        return self._unheard_since is not None and now - self._unheard_since > _LOST_S

    def _has_answered(self, handle: Any) -> bool:
        if self._asked is None:
            self._asked = handle.ping.remote()
        try:
            ray.get(self._asked, timeout=0)
        except GetTimeoutError:
            return False
        except RayError:
            self._asked = None
            return False
        self._asked = None
        return True


def on_node(node: str, *, movable: bool) -> NodeAffinitySchedulingStrategy:
    """Where actors may move, the node is a wish: Ray starts them elsewhere when that one is lost, or drains."""
    return NodeAffinitySchedulingStrategy(node_id=node, soft=movable, _spill_on_unavailable=movable)


def _names() -> list[str]:
    """Of all live actors, ours among them."""
    return [one["name"] for one in list_named_actors(all_namespaces=True) if one["namespace"] == naming.NAMESPACE]


def actor_of(name: str) -> Any:
    """Its handle, or None."""
    try:
        return ray.get_actor(name, namespace=naming.NAMESPACE)
    except ValueError:
        return None


def drain_and_end(name: str, wait_s: float) -> bool:
    """Let an actor keep what it must, then end it for good; returns once its name is free, or after as long again.
    False when it did not drain in time. None by that name is drained."""
    handle = actor_of(name)
    if handle is None:
        return True
    is_drained = True
    try:
        ray.get(handle.drain.remote(), timeout=wait_s)
    except RayError:
        is_drained = False
    ray.kill(handle, no_restart=True)
    deadline = time.monotonic() + wait_s
    while actor_of(name) is not None and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return is_drained


def place_of(handle: Any) -> tuple[str, bool]:
    """The node where Ray last placed it ("" for none), and whether its process should be there."""
    row: dict[str, Any] = actor_table(handle._actor_id.hex()) or {}
    node: str = row.get("Address", {}).get("NodeID", "")
    return node if set(node) - {"f"} else "", row.get("State") == "ALIVE"
