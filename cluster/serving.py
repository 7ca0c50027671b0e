"""The Serve applications: the HTTP gateway at ``/``, the console at ``/console``, and the scorer, which only shards
call (or have inside)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Any

import ray
import structlog
from ray import serve
from ray.exceptions import RayActorError, RayError
from ray.serve import context as serve_context
from ray.serve._private.constants import SERVE_CONTROLLER_NAME, SERVE_NAMESPACE
from ray.serve.config import ProxyLocation
from ray.serve.exceptions import RayServeException
from ray.serve.schema import ApplicationStatus

from actors import naming
from actors.gateway.gateway import Gateway
from actors.scorer import scorer_app
from actors.shard.settings import SERVE
from actors.stores.interface import Installation
from cluster.actors_of import actor_settings
from cluster.console.address import ROOT
from cluster.console.deployment import console_deployment
from cluster.console.where import api_url
from cluster.doors import gateway_settings
from cluster.settings import Settings
from models import limits

log = structlog.get_logger(__name__)
_STREAMS_WAIT_S = 5.0
#: Serve's replicas and its other proxy listen where it is told that the API does. On one machine alone HAProxy reaches
#: them there, and nobody else does: the wrapper has HAProxy itself listen where the settings say.
_LOOPBACK = "127.0.0.1"


def start_serve(settings: Settings, installation: Installation, only: Collection[str] = ()) -> None:
    """Start HAProxy and deploy the applications (only these, when some are named: what runs is not replaced); returns
    when the replicas of all but the console run. Without the console everything else is as it should be."""
    logging.getLogger("ray.serve").setLevel(logging.WARNING)  # its import set it to INFO
    everywhere = settings.address is not None and settings.proxies == "every"
    serve.start(
        proxy_location=ProxyLocation.EveryNode if everywhere else ProxyLocation.HeadOnly,
        http_options={
            "host": _LOOPBACK if settings.address is None else settings.host, "port": settings.port,
            "request_timeout_s": None,
        },
    )
    wanted = only or wanted_applications(settings)
    targets = []
    if naming.GATEWAY_APP in wanted:
        gateway = gateway_app(settings, installation)
        targets.append(serve.RunTarget(gateway, name=naming.GATEWAY_APP, route_prefix="/"))
    if naming.SCORER_APP in wanted:
        scorer = scorer_app(actor_settings(settings, installation))
        targets.append(serve.RunTarget(scorer, name=naming.SCORER_APP, route_prefix=None))
    if targets:
        serve.run_many(targets, wait_for_applications_running=True)
    if naming.CONSOLE_APP in wanted:
        _start_console(settings, installation)
    elif not only:
        serve.delete(naming.CONSOLE_APP, _blocking=False)  # there was one under other settings, perhaps


def _start_console(settings: Settings, installation: Installation) -> None:
    target = serve.RunTarget(console_app(settings, installation), name=naming.CONSOLE_APP, route_prefix=ROOT)
    try:
        serve.run_many([target], wait_for_applications_running=False, wait_for_ingress_deployment_creation=False)
    except (RayError, RayServeException, RuntimeError) as error:
        log.warning("console_not_deployed", error=type(error).__name__, detail=str(error)[:500])


def gateway_app(settings: Settings, installation: Installation) -> serve.Application:
    """The Serve application of the HTTP API."""
    application: serve.Application = _gateway(settings.gateways).bind(
        {**actor_settings(settings, installation), **gateway_settings(settings)}
    )
    return application


def console_app(settings: Settings, installation: Installation) -> serve.Application:
    """The Serve application of the pages for people."""
    return console_deployment({**actor_settings(settings, installation), "api_url": api_url(settings)})


def wanted_applications(settings: Settings) -> list[str]:
    """Those that the settings ask for."""
    return [
        naming.GATEWAY_APP,
        *([naming.SCORER_APP] if settings.scorer == SERVE else []),
        *([naming.CONSOLE_APP] if settings.console else []),
    ]


def missing_applications(settings: Settings) -> list[str]:
    """Those that Serve does not know or could not deploy. A controller that is gone for good knows none."""
    try:
        ray.get_actor(SERVE_CONTROLLER_NAME, namespace=SERVE_NAMESPACE)
        found = serve.status().applications
    except (ValueError, RayActorError):
        serve_context._set_global_client(None)  # its handle would lead to the dead one
        found = {}
    return [
        name for name in wanted_applications(settings)
        if name not in found or found[name].status == ApplicationStatus.DEPLOY_FAILED
    ]


def end_serve() -> None:
    """Delete what is left of Kairos; Serve itself goes too unless it serves others."""
    serve_context._set_global_client(None)  # its handles belong to the loop that ended the streams, and that has ended
    serve.delete(naming.CONSOLE_APP)
    serve.delete(naming.SCORER_APP)
    if not serve.status().applications:
        serve.shutdown()


def stop_gateways() -> None:
    """Let streams end in good order, then finish the requests in flight and end the replicas. The console ends beside
    them: it has nothing to finish."""
    # Serve holds it for an error that the loop below ends before this process does.
    logging.getLogger("ray.serve").setLevel(logging.CRITICAL)
    serve.delete(naming.CONSOLE_APP, _blocking=False)
    try:
        asyncio.run(_end_streams())
    except (RayServeException, RayError, TimeoutError) as error:
        log.warning("streams_not_ended", error=str(error))  # their clients see the connection end, and repeat
    serve.delete(naming.GATEWAY_APP)


async def _end_streams() -> None:
    """In an event loop, for which Serve's throughput settings make its handles."""
    async with asyncio.timeout(_STREAMS_WAIT_S):
        await serve.get_app_handle(naming.GATEWAY_APP).broadcast("end_streams").results_async()


def _gateway(replicas: int) -> Any:
    """Back-pressure is the gateway's own (it answers 429 and 503 with ``retry-after``), so Serve's is out of reach."""
    return serve.deployment(
        name=naming.GATEWAY_DEPLOYMENT, num_replicas=replicas, max_ongoing_requests=limits.GATEWAY_ONGOING_MAX,
        ray_actor_options={"num_cpus": 0, "memory": 1},
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
        graceful_shutdown_wait_loop_s=0.2, health_check_period_s=2.0,
    )(Gateway)
