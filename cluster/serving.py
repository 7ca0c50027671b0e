"""The two Serve applications: the HTTP gateway at ``/`` and the scorer, which only shards call."""

from __future__ import annotations

from typing import Any

from actors.gateway.deployment import gateway_app
from ray import serve
from ray.serve.config import ProxyLocation

from actors import naming
from actors.scorer import scorer_app
from cluster.actors_of import actor_settings
from cluster.installation import Installation
from cluster.settings import Settings


def start_serve(settings: Settings, installation: Installation, secret: bytes) -> None:
    """Start HAProxy and deploy both applications; returns when their replicas run."""
    plain: dict[str, Any] = actor_settings(settings, installation)
    serve.start(
        proxy_location=ProxyLocation.EveryNode if settings.address else ProxyLocation.HeadOnly,
        http_options={"host": settings.host, "port": settings.port, "request_timeout_s": None},
    )
    serve.run_many(
        [
            serve.RunTarget(scorer_app(plain), name=naming.SCORER_APP, route_prefix=None),
            serve.RunTarget(
                gateway_app({**plain, "secret": secret, "replicas": settings.gateways}),
                name=naming.GATEWAY_APP, route_prefix="/",
            ),
        ],
        wait_for_applications_running=True,
    )
