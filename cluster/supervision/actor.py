"""The ``Supervisor`` actor of a cluster: named, detached, restarted for ever. It runs the loop of
``cluster.supervision.supervisor`` in a thread, and holds nothing that its successor would miss."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import ray
import structlog

from actors import naming
from actors.logs import configure_logs
from cluster.actors_of import OPTIONS, Actors, on_node
from cluster.serving import missing_applications, start_serve
from cluster.settings import Settings
from cluster.store_of import plain_store, store_of
from cluster.supervision import supervisor
from cluster.supervision.insight import InsightKeeper, RayInsight
from cluster.supervision.nodes import LiveNode, live_nodes, own_node_id
from cluster.supervision.serving import ServingKeeper
from models.errors import KairosError

log = structlog.get_logger(__name__)
_RETRY_S: Final = 2.0
_STOP_WAIT_S: Final = 60.0
_DEPLOYS: Final = "deploys"


def plain_settings(settings: Settings, *, deploys: bool) -> dict[str, Any]:
    """What a supervisor is made from: every setting (none is secret) but those of a first start. ``deploys``: whether
    it is the one who brings the Serve applications (on KubeRay the operator does)."""
    lasting = settings.model_dump(mode="json", exclude={"shards", "catalog"})
    return {**lasting, **plain_store(settings), _DEPLOYS: deploys}


class Supervisor:
    """``plain``: see ``plain_settings``."""

    def __init__(self, plain: Mapping[str, Any]) -> None:
        configure_logs(str(plain.get("log_level", "info")), process="supervisor")
        self._plain = dict(plain)
        self._loop: supervisor.Supervisor | None = None
        self._serving: ServingKeeper | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._thread.start()

    def settings(self) -> dict[str, Any]:
        """As it was made."""
        return self._plain

    def view(self) -> dict[str, Any]:
        """See ``supervisor.Supervisor.view``; empty until the first look."""
        return self._loop.view() if self._loop is not None else {}

    def deploy(self) -> None:
        """Deploy the Serve applications again at the next look: the settings are others than before."""
        if self._serving is not None:
            self._serving.demand()

    def stop(self) -> None:
        """Nothing comes back any more; what was being moved stays where it is. The process may be ended."""
        self._ended.set()
        if self._loop is not None:
            self._loop.stop()
        if self._serving is not None:
            self._serving.wait(_STOP_WAIT_S)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._supervise()
            except Exception as error:
                log.warning("the supervisor begins again", error=type(error).__name__, detail=str(error)[:500])
                time.sleep(_RETRY_S)

    def _supervise(self) -> None:
        values = {name: value for name, value in self._plain.items() if name != _DEPLOYS}
        settings = Settings(**values)
        installation = store_of(settings).read_installation()
        if installation is None:
            raise KairosError(f"nothing is installed in {settings.store}; `kairos up --address` installs it")
        actors, here = Actors(settings, installation), own_node_id()
        if self._plain[_DEPLOYS]:
            self._serving = ServingKeeper(
                lambda: missing_applications(settings), lambda only: start_serve(settings, installation, only),
            )
        only_node = None if actors.store.shards_may_move else here
        self._loop = loop = supervisor.Supervisor(actors, live_nodes, only_node=only_node)
        loop.serving, loop.insight = self._serving, InsightKeeper(RayInsight(settings, installation))
        while not self._ended.wait(supervisor.INTERVAL_S):
            loop.look()
            if loop.has_left(here):
                _leave("the supervisor's node drains, and all else has left it")


def ensure_supervisor(settings: Settings, nodes: list[LiveNode], *, deploys: bool) -> Any:
    """The live supervisor, or a new one. One with other settings is replaced; shards go on meanwhile."""
    plain = plain_settings(settings, deploys=deploys)
    found = find_supervisor()
    if found is not None:
        known = ray.get(found.settings.remote(), timeout=_STOP_WAIT_S)
        if known == plain:
            return found
        end_supervisor(found)
    made = _make(settings, nodes, plain)
    if found is not None:
        made.deploy.remote()
    return made


def find_supervisor() -> Any:
    """Its handle, or None."""
    try:
        return ray.get_actor(naming.SUPERVISOR, namespace=naming.NAMESPACE)
    except ValueError:
        return None


def end_supervisor(handle: Any) -> None:
    """For good: nothing that ends after it comes back."""
    try:
        ray.get(handle.stop.remote(), timeout=_STOP_WAIT_S)
    except ray.exceptions.RayError as error:
        log.warning("the supervisor did not stop by itself", error=type(error).__name__)
    ray.kill(handle, no_restart=True)
    deadline = time.monotonic() + _STOP_WAIT_S
    while find_supervisor() is not None and time.monotonic() < deadline:
        time.sleep(0.05)


def _make(settings: Settings, nodes: list[LiveNode], plain: dict[str, Any]) -> Any:
    """On the head, if it can be. Where the journals are files of this node, on this node."""
    may_move = store_of(settings).shards_may_move
    staying = [node for node in nodes if not node.draining] or nodes
    node = staying[0].id if may_move else own_node_id()
    options: dict[str, Any] = {
        **OPTIONS, "name": naming.SUPERVISOR, "max_concurrency": 4,
        "scheduling_strategy": on_node(node, movable=may_move),
    }
    return ray.remote(Supervisor).options(**options).remote(plain)


def _leave(reason: str) -> NoReturn:
    """Ray starts the actor again, on a node that stays."""
    log.info("leaving the process", reason=reason)
    os._exit(0)
