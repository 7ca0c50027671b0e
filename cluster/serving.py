"""The Serve applications: the HTTP gateway at ``/``, and the scorer, which only shards call (or have inside)."""

from __future__ import annotations

import asyncio
import logging
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
from cluster.doors import gateway_settings
from cluster.settings import Settings
from models import limits

log = structlog.get_logger(__name__)
_STREAMS_WAIT_S = 5.0
#: Serve's replicas and its other proxy listen where it is told that the API does. On one machine alone HAProxy reaches
#: them there, and nobody else does: the wrapper has HAProxy itself listen where the settings say.
_LOOPBACK = "127.0.0.1"


def start_serve(settings: Settings, installation: Installation) -> None:
    """Start HAProxy and deploy the applications; returns when their replicas run."""
    logging.getLogger("ray.serve").setLevel(logging.WARNING)  # its import set it to INFO
    everywhere = settings.address is not None and settings.proxies == "every"
    serve.start(
        proxy_location=ProxyLocation.EveryNode if everywhere else ProxyLocation.HeadOnly,
        http_options={
            "host": _LOOPBACK if settings.address is None else settings.host, "port": settings.port,
            "request_timeout_s": None,
        },
    )
    targets = [serve.RunTarget(gateway_app(settings, installation), name=naming.GATEWAY_APP, route_prefix="/")]
    if settings.scorer == SERVE:
        scorer = scorer_app(actor_settings(settings, installation))
        targets.append(serve.RunTarget(scorer, name=naming.SCORER_APP, route_prefix=None))
    serve.run_many(targets, wait_for_applications_running=True)


def gateway_app(settings: Settings, installation: Installation) -> serve.Application:
    """The Serve application of the HTTP API."""
    application: serve.Application = _gateway(settings.gateways).bind(
        {**actor_settings(settings, installation), **gateway_settings(settings)}
    )
    return application


def missing_applications(settings: Settings) -> list[str]:
    """Those that Serve does not know or could not deploy. A controller that is gone for good knows none."""
    try:
        ray.get_actor(SERVE_CONTROLLER_NAME, namespace=SERVE_NAMESPACE)
        found = serve.status().applications
    except (ValueError, RayActorError):
        serve_context._set_global_client(None)  # its handle would lead to the dead one
        found = {}
    wanted = [naming.GATEWAY_APP, *([naming.SCORER_APP] if settings.scorer == SERVE else [])]
    return [name for name in wanted if name not in found or found[name].status == ApplicationStatus.DEPLOY_FAILED]


def end_serve() -> None:
    """Delete what is left of Kairos; Serve itself goes too unless it serves others."""
    serve_context._set_global_client(None)  # its handles belong to the loop that ended the streams, and that has ended
    serve.delete(naming.SCORER_APP)
    if not serve.status().applications:
        serve.shutdown()


def stop_gateways() -> None:
    """Let streams end in good order, then finish the requests in flight and end the replicas."""
    # Serve holds it for an error that the loop below ends before this process does.
    logging.getLogger("ray.serve").setLevel(logging.CRITICAL)
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
