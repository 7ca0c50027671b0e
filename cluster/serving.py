"""The Serve applications: the HTTP gateway at ``/``, and the scorer, which only shards call (or have inside)."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import structlog
from ray import serve
from ray.exceptions import RayError
from ray.serve.config import ProxyLocation
from ray.serve.exceptions import RayServeException

from actors import naming
from actors.gateway.gateway import Gateway
from actors.scorer import scorer_app
from actors.shard.settings import SERVE
from actors.stores.interface import Installation
from cluster.actors_of import actor_settings
from cluster.settings import Settings
from models import limits

log = structlog.get_logger(__name__)
_STREAMS_WAIT_S = 5.0


def start_serve(settings: Settings, installation: Installation) -> None:
    """Start HAProxy and deploy the applications; returns when their replicas run."""
    logging.getLogger("ray.serve").setLevel(logging.WARNING)  # its import set it to INFO
    plain: dict[str, Any] = actor_settings(settings, installation)
    serve.start(
        proxy_location=ProxyLocation.EveryNode if settings.address else ProxyLocation.HeadOnly,
        http_options={"host": settings.host, "port": settings.port, "request_timeout_s": None},
    )
    gateway = _gateway(settings.gateways).bind(plain)
    targets = [serve.RunTarget(gateway, name=naming.GATEWAY_APP, route_prefix="/")]
    if settings.scorer == SERVE:
        targets.append(serve.RunTarget(scorer_app(plain), name=naming.SCORER_APP, route_prefix=None))
    serve.run_many(targets, wait_for_applications_running=True)


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
        ray_actor_options={"num_cpus": 0}, logging_config={"enable_access_log": False, "log_level": "WARNING"},
        graceful_shutdown_wait_loop_s=0.2, health_check_period_s=2.0,
    )(Gateway)
