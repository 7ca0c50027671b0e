"""`kairos up --address`: an installation on a Ray cluster that somebody else started.

A supervisor actor on the cluster keeps it in being, so this process only brings that up, waits until it is ready, and
looks whether the head still answers. It stays outside of the cluster meanwhile: Ray ends a process that has joined when
the head is lost, and this one shall start everything again. Killed, it leaves the installation as it is.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import httpx

from actors.access import ensure_admin_key, read_admin_key
from cluster import launch, runfile
from cluster.catalog_at_start import publish_at_start, read_catalog_to_publish
from cluster.doors import force_token, refuse_open_bind
from cluster.launch import Say
from cluster.preflight import Finding
from cluster.ray_environment import set_driver_variables
from cluster.settings import Settings
from cluster.store_of import install, store_of
from cluster.supervision.head import HeadWatch, check_address, wait_for_head
from models.errors import KairosError

_INTERVAL_S: Final = 1.0
#: A head that answers no question for so long is away. Less is a pause of a busy machine.
_AWAY_S: Final = 5.0
#: Ready once, and not ready for so long: look whether the supervisor is still there.
_NOT_READY_S: Final = 30.0
_READY_LOOK_S: Final = 5.0
_RETRY_S: Final = 10.0
#: Every node imports what it runs for the first time, and the supervisor starts shards meanwhile.
_DEPLOY_WAIT_S: Final = 240.0


def run(settings: Settings, say: Say, ready: Callable[[], None]) -> None:
    """Bring the installation up, call ``ready``, stay until SIGINT or SIGTERM, drain. Raises ``KairosError`` when the
    first start fails."""
    address = _address(settings)
    launch.check(settings)
    catalog = read_catalog_to_publish(settings.catalog)
    force_token(settings.data_dir, settings.address)
    set_driver_variables()
    found = wait_for_head(address, say)
    _bring_up(settings, say, catalog)
    ready()
    wanted = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        wanted.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    _stay(settings, say, found, wanted)
    drain(settings, say)


def drain(settings: Settings, say: Say) -> None:
    """End the installation: the supervisor first, so that nothing comes back; then gateways, shards, coordinator."""
    force_token(settings.data_dir, settings.address)
    set_driver_variables()
    from cluster.supervision.head import cluster_id

    if cluster_id(_address(settings)) is None:
        say("the Ray head does not answer: nothing is left to drain; what was acknowledged is in the store")
    else:
        launch.join_ray(_address(settings))
        from cluster.supervision.actor import end_supervisor, find_supervisor

        supervisor = find_supervisor()
        if supervisor is not None:
            say("stopping the supervisor")
            end_supervisor(supervisor)
        launch.drain(settings, say)
    runfile.forget_run(settings.data_dir)
    say("stopped")


def nodes_of(settings: Settings) -> dict[str, Any]:
    """The supervisor's view (see ``Supervisor.view``), or the bare nodes where none runs; ``coordinator`` marks where
    it is."""
    with _Joined(settings):
        from cluster.supervision.report import report

        return report()


def findings_of(settings: Settings) -> dict[str, list[Finding]]:
    """What is wrong and right on every node, by its name."""
    with _Joined(settings):
        from cluster.supervision.inspection import inspect
        from cluster.supervision.nodes import live_nodes

        return inspect(settings, live_nodes())


class _Joined:
    """Inside the cluster for as long as it takes to ask."""

    def __init__(self, settings: Settings) -> None:
        self._address = _address(settings)
        self._data_dir = settings.data_dir

    def __enter__(self) -> None:
        force_token(self._data_dir, self._address)
        set_driver_variables()
        from cluster.supervision.head import cluster_id

        if cluster_id(self._address) is None:
            raise KairosError(f"no Ray head answers at {self._address}; `ray start --head` starts one")
        launch.join_ray(self._address)

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """What Ray says of a cluster that falters becomes a ``KairosError``."""
        import ray

        ray.shutdown()
        if isinstance(error, (ray.exceptions.RayError, ConnectionError)):
            first = (str(error).strip().splitlines() or ["no reason given"])[0]
            raise KairosError(f"the Ray cluster at {self._address} failed: {type(error).__name__}: {first}") from error


def _address(settings: Settings) -> str:
    if settings.address is None:
        raise KairosError("say which Ray cluster: --address HOST:PORT, or KAIROS_ADDRESS")
    check_address(settings.address)
    return settings.address


def _bring_up(
    settings: Settings, say: Say, catalog: str | None, ended: Callable[[], bool] = lambda: False,
) -> None:
    """Everything that is missing; harmless where nothing is."""
    say(f"joining the Ray cluster at {settings.address}")
    with _Joined(settings):
        from cluster.supervision.actor import ensure_supervisor
        from cluster.supervision.inspection import inspect, needed
        from cluster.supervision.nodes import (
            live_nodes,
            refuse_loopback_on_many_machines,
            refuse_many_nodes_on_sqlite,
        )

        nodes, store = live_nodes(), store_of(settings)
        refuse_many_nodes_on_sqlite(store.shards_may_move, nodes)
        refuse_loopback_on_many_machines(settings.host, nodes)
        installation = install(settings)
        keys = store.access()
        ensure_admin_key(keys, settings.data_dir, now_ms=time.time_ns() // 1_000_000)
        refuse_open_bind(settings, keys)
        say(f"looking at {len(nodes)} nodes")
        _judge(inspect(settings, nodes), needed, say)
        say(f"starting the supervisor, which starts the coordinator, {installation.shards} shards and Ray Serve")
        _record(settings)  # from here on there is something for `kairos down`
        ensure_supervisor(settings, nodes, deploys=True)
    launch.wait_ready(settings.url, "/healthz", _DEPLOY_WAIT_S, ended)
    publish_at_start(settings.url, read_admin_key(settings.data_dir), catalog, say)
    launch.wait_ready(settings.url, ended=ended)
    _record(settings, ready=True)


def _judge(findings: dict[str, list[Finding]], needed: Callable[[Finding], bool], say: Say) -> None:
    """Raises ``KairosError`` naming every node that lacks what is needed; says what else is not as it should be."""
    fatal = []
    for node, found in findings.items():
        for finding in found:
            if not finding.ok and needed(finding):
                fatal.append(f"node {node}: {finding.check}: {finding.detail}")
            elif not finding.ok:
                say(f"node {node}: {finding.check}: {finding.detail}")
    if fatal:
        raise KairosError("; ".join(fatal))


def _stay(settings: Settings, say: Say, found: str, wanted: threading.Event) -> None:
    """Until a signal. Brings everything up again when the head was away, is another one, or nothing is ready."""
    address = _address(settings)
    watch, ready_s, looked_s = HeadWatch(address, found), time.monotonic(), time.monotonic()
    while not wanted.wait(_INTERVAL_S):
        reason = None
        if watch.silent_s > _AWAY_S:
            say(f"the Ray head at {address} does not answer; what was acknowledged is in the store")
            reason = "the head answers again"
        elif watch.found != found:
            reason = "the head is a new one"
        elif time.monotonic() - looked_s > _READY_LOOK_S:
            looked_s = time.monotonic()
            if _is_ready(settings.url):
                ready_s = looked_s
            elif looked_s - ready_s > _NOT_READY_S:
                reason = f"not ready for {looked_s - ready_s:.0f} s"
        if reason is not None:
            watch.stop()
            found = _again(settings, say, reason, wanted) or found
            watch, ready_s = HeadWatch(address, found), time.monotonic()
    watch.stop()


def _again(settings: Settings, say: Say, reason: str, wanted: threading.Event) -> str | None:
    """Wait for the head and bring everything up, as often as it takes; the cluster's id, None when told to end."""
    while not wanted.is_set():
        try:
            found = wait_for_head(_address(settings), say, wanted.is_set)
            say(f"{reason}: starting again what is missing")
            _bring_up(settings, say, None, wanted.is_set)
        except KairosError as error:
            say(f"{error}; once more in {_RETRY_S:.0f} s")
            wanted.wait(_RETRY_S)
        else:
            say("ready again")
            return found
    return None


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=_READY_LOOK_S).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _record(settings: Settings, ready: bool = False) -> None:
    runfile.RunFile(runfile.this_process(), settings.url, ready, address=settings.address).write(settings.data_dir)
