"""From settings to a serving installation, and back, where `kairos up` starts Ray itself. On a cluster that somebody
else started: ``cluster.joining``.

``ray`` reads its variables at import, so it is imported by the functions here after the variables are set.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx

from actors import naming
from actors.access import ensure_admin_key, read_admin_key
from actors.stores.interface import Installation
from cluster import runfile
from cluster.catalog_at_start import publish_at_start, read_catalog_to_publish
from cluster.doors import force_token, refuse_open_bind, refuse_open_cluster
from cluster.preflight import port_free, shadowed
from cluster.ray_environment import set_variables
from cluster.settings import Settings
from cluster.store_of import install, store_of
from models.errors import KairosError

Say = Callable[[str], None]
_READY_WAIT_S = 120.0
_RESTARTS = "KAIROS_INTERNAL_RESTARTS"
_DRAIN_WAIT_S = 60.0


@dataclass(slots=True)
class Running:
    """A serving installation whose driver is this process."""

    settings: Settings
    installation: Installation
    url: str
    key: str
    supervisor: Any

    def pids(self) -> list[int]:
        return [process.pid for process in runfile.descendants()]

    def stop(self, say: Say = lambda _: None) -> None:
        """Drain: finish what is in flight, write checkpoints, end Ray. Nothing acknowledged is lost either way."""
        self.supervisor.stop()
        drain(self.settings, say)
        runfile.forget_run(self.settings.data_dir)
        say("stopped")


def start(settings: Settings, say: Say = lambda _: None) -> Running:
    """Start everything and return when ``/readyz`` answers. Raises ``KairosError`` with the remedy."""
    check(settings)
    catalog = read_catalog_to_publish(settings.catalog)
    installation = install(settings)
    _claim(settings, say)
    force_token(settings.data_dir, settings.address)
    keys = store_of(settings).access()
    ensure_admin_key(keys, settings.data_dir, now_ms=time.time_ns() // 1_000_000)
    refuse_open_bind(settings, keys)
    key = read_admin_key(settings.data_dir)
    set_variables(settings.data_dir, settings.host)
    say("starting Ray (the longest part, 5 to 15 s)")
    join_ray("local", include_dashboard=False, num_cpus=1, object_store_memory=128 * 1024 * 1024,
             _node_ip_address="127.0.0.1")
    say(f"starting the coordinator and {installation.shards} shards")
    supervisor = _supervisor(settings, installation)
    say("starting Ray Serve: HAProxy, the gateway" + (", the scorer" if settings.scorer == "serve" else ""))
    _serve(settings, installation, supervisor)
    _record(settings)
    running = Running(settings, installation, settings.url, key, supervisor)
    publish_at_start(running.url, key, catalog, say)
    wait_ready(running.url)
    _record(settings, ready=True)
    supervisor.serving.look()  # brings the console, which nobody had to wait for
    return running


def _supervisor(settings: Settings, installation: Installation) -> Any:
    from cluster.actors_of import Actors  # these import ray, which reads its variables at import
    from cluster.supervision.nodes import live_nodes, own_node_id
    from cluster.supervision.supervisor import Supervisor

    actors = Actors(settings, installation)
    supervisor = Supervisor(actors, live_nodes, only_node=None if actors.store.shards_may_move else own_node_id())
    supervisor.look()
    return supervisor


def _serve(settings: Settings, installation: Installation, supervisor: Any) -> None:
    """Deploy what the API needs of the Serve applications, and let the supervisor bring the rest and keep them all."""
    from ray.exceptions import RayError

    from cluster.serving import missing_applications, start_serve, wanted_applications
    from cluster.supervision.insight import InsightKeeper, RayInsight
    from cluster.supervision.serving import ServingKeeper

    needed = [name for name in wanted_applications(settings) if name != naming.CONSOLE_APP]
    try:
        start_serve(settings, installation, needed)
    except (RayError, RuntimeError, TimeoutError) as error:
        raise KairosError(f"Ray Serve did not start: {str(error).strip().splitlines()[0]}; try again") from error
    supervisor.serving = ServingKeeper(
        lambda: missing_applications(settings), lambda only: start_serve(settings, installation, only),
    )
    supervisor.insight = InsightKeeper(RayInsight(settings, installation))


def check(settings: Settings) -> None:
    """Raises ``KairosError`` when this process cannot start here at all."""
    failed = [finding for finding in shadowed() if not finding.ok]
    if settings.address is None:
        failed += [finding for finding in [port_free(settings.host, settings.port)] if not finding.ok]
    run = runfile.read_run(settings.data_dir)
    if run is not None and run.up.find() is not None and run.up != runfile.this_process():
        raise KairosError(f"Kairos runs in {settings.data_dir} already (pid {run.up.pid}); `kairos down` stops it")
    leftover = run is not None and any(other.find() for other in run.others)
    failed = [finding for finding in failed if not (leftover and finding.check.startswith("port"))]
    if failed:
        raise KairosError("; ".join(finding.detail for finding in failed))


def _claim(settings: Settings, say: Say) -> None:
    run = runfile.read_run(settings.data_dir)
    if run is not None:
        ended = runfile.end_leftovers(run)
        if ended:
            say(f"ended {ended} processes that a killed `kairos up` had left")
    runfile.RunFile(runfile.this_process(), settings.url).write(settings.data_dir)


def _record(settings: Settings, ready: bool = False) -> None:
    runfile.RunFile(runfile.this_process(), settings.url, ready, runfile.descendants()).write(settings.data_dir)


def join_ray(address: str, **more: Any) -> None:
    """Make this process a driver of a Ray cluster. Raises ``KairosError`` when it cannot be."""
    import ray

    os.environ.pop("RAY_ADDRESS", None)
    try:
        ray.init(
            address=address, namespace=naming.NAMESPACE, logging_level="ERROR", log_to_driver=False, **more,
        )
    except Exception as error:  # Ray raises a bare one when its node does not start in time
        said = (str(error).strip() or repr(error)).splitlines()[0]
        if address == "local":
            raise KairosError(f"Ray does not start here: {said} Try again when the machine has less to do.") from error
        raise KairosError(f"cannot join the Ray cluster at {address}: {said}") from error
    refuse_open_cluster(ray.get_runtime_context().gcs_address)


def wait_ready(
    url: str, page: str = "/readyz", wait_s: float = _READY_WAIT_S, ended: Callable[[], bool] = lambda: False,
) -> None:
    """Until a page answers 200. Raises ``KairosError`` with what was answered last, or when told to end."""
    deadline = time.monotonic() + wait_s
    last = "no answer"
    while time.monotonic() < deadline and not ended():
        try:
            answer = httpx.get(f"{url}{page}", timeout=5.0)
            if answer.status_code == httpx.codes.OK:
                return
            last = answer.text[:300]
        except httpx.HTTPError as error:
            last = str(error)
        time.sleep(0.1)
    raise KairosError(f"not ready after {wait_s:.0f} s: {last}; `kairos doctor` may tell why")


def drain(settings: Settings, say: Say) -> None:
    """Gateways first, then checkpoints, then the actors; then leave Ray. Whoever would bring them back has ended."""
    import ray

    from cluster.actors_of import Actors
    from cluster.serving import end_serve, stop_gateways
    from cluster.supervision.insight import end_insight

    installation = store_of(settings).read_installation()
    say("draining: no new requests, those in flight are finished")
    stop_gateways()
    end_insight()
    if installation is not None:
        say("writing checkpoints")
        actors = Actors(settings, installation)
        _drain(actors.handles(), say)
        coordinator = actors.coordinator()
        _drain([coordinator] if coordinator is not None else [], say)
    if settings.address is not None:
        end_serve()
    ray.shutdown()


def _drain(handles: list[Any], say: Say) -> None:
    """Let actors write their checkpoints, then end them for good."""
    import ray

    asked = [handle.drain.remote() for handle in handles]
    late = ray.wait(asked, num_returns=len(asked), timeout=_DRAIN_WAIT_S)[1] if asked else []
    if late:
        say(f"{len(late)} of {len(asked)} checkpoints were not written in time; the journals are whole without them")
    for handle in handles:
        ray.kill(handle, no_restart=True)


def restarts() -> int:
    """How often this process has replaced itself since it last stood."""
    return int(os.environ.get(_RESTARTS, "0"))


def start_again() -> NoReturn:
    """Replace this process by itself: Ray itself has died, and everything is rebuilt from the store."""
    sys.stdout.flush()
    os.environ[_RESTARTS] = str(restarts() + 1)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def stands() -> None:
    """Ready: a later death of Ray begins a new count."""
    os.environ.pop(_RESTARTS, None)
