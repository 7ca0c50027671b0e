"""The Serve deployment: one replica is one stateless ``GatewayApp`` over the live actors.

Run by the composition root as ``deployment(name="Gateway", ...).bind(settings)`` behind Serve's HAProxy; the
headers of a client that Serve itself would trust are not read here.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ray import serve

from actors.access.denials.log import DenialLog
from actors.access.oidc.issuer import OidcIssuer
from actors.access.oidc.settings import OidcSettings
from actors.gateway.access_log import AccessLog
from actors.gateway.app import GatewayApp
from actors.gateway.authorise import Authoriser
from actors.gateway.metrics import Metrics
from actors.gateway.replicas import Replicas
from actors.gateway.services import Services, Settings
from actors.gateway.shards import LiveBackend
from actors.logs import configure_logs
from actors.replica_port import keep_to_link_host
from actors.rule_trial import try_rules
from actors.stores.interface import Store
from actors.stores.opening import open_store
from actors.stores.patience import patiently
from actors.tracing.opening import open_tracer
from models import limits

if TYPE_CHECKING:
    from actors.gateway.tracing import GatewayTracing


@serve.ingress()
class Gateway:
    """``settings``: ``store``, ``data_dir``, ``shards``, ``clock`` ("wall" or "manual"), ``gateways`` (how many of them
    share the callers' rates), ``oidc`` (see ``OidcSettings.to_plain``; None: keys only)."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        configure_logs(str(settings.get("log_level", "info")), process="gateway", in_replica=True)
        keep_to_link_host(settings)
        self._tracer = open_tracer(settings, kind="gateway")
        # Everything at level debug; else as many as were asked for.
        everything = settings.get("log_level") == "debug"
        self._access_log = AccessLog(1.0 if everything else float(settings.get("access_log_ratio", 0.0)))
        store = open_store(settings)
        self._settings = Settings.from_plain(settings, patiently(store.secret))
        self._authoriser = _authoriser(settings, store)
        self._has_dialled = False
        gc.set_threshold(limits.GARBAGE_OBJECTS_MIN)

    def __serve_build_asgi_app__(self) -> GatewayApp:
        """Called by Serve once the replica is constructed."""
        settings = self._settings
        self._backend = backend = LiveBackend(settings.link_key)
        metrics = Metrics(serve.get_replica_context().replica_id.unique_id)
        metrics.issuer_keys_age_s = self._authoriser.issuer_keys_age_s
        services = Services(settings, backend, self._authoriser, metrics, try_rules, self._tracing())
        services.access_log = self._access_log
        services.serving = Replicas().told
        self._app = GatewayApp(services)
        return self._app

    def _tracing(self) -> GatewayTracing | None:
        """What it imports costs memory and time: only for who wants traces."""
        if self._tracer is None:
            return None
        from actors.gateway.tracing import GatewayTracing

        return GatewayTracing(self._tracer)

    async def check_health(self) -> None:
        """Asked by Serve before it sends the first request, and ever again: shards are found and dialled by then."""
        if not self._has_dialled:
            self._has_dialled = True
            await self._backend.dial(self._settings.shards, limits.GATEWAY_DIAL_MS_MAX / limits.SECOND_MS)

    async def end_streams(self) -> None:
        """Accept no more streams, answer what is in flight on those that are open, close them. Bounded."""
        await self._app.streams.end_all()


def _authoriser(settings: Mapping[str, Any], store: Store) -> Authoriser:
    oidc = settings.get("oidc")
    return Authoriser(
        store.access(), gateways=int(settings.get("gateways", 1)), denials=DenialLog(store.denials()),
        issuer=OidcIssuer(OidcSettings.from_plain(oidc)) if oidc else None,
    )
