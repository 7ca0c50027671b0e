"""The Serve deployment: one replica in a process of its own, so that pages never cost a gateway anything.

It asks the API as anybody does, over HTTP with the viewer's key, and holds nothing that its successor would miss.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ray import serve

from actors import naming
from actors.logs import configure_logs
from actors.priority import give_way
from actors.replica_port import keep_to_link_host
from actors.sessions import Vault
from actors.stores.opening import open_store
from actors.stores.patience import patiently
from models import limits

if TYPE_CHECKING:
    from cluster.console.app import Console as ConsoleApp


@serve.ingress()
class Console:
    """``settings``: those of every actor (see ``cluster.actors_of.actor_settings``), and ``api_url``."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        configure_logs(str(settings.get("log_level", "info")), process="console", in_replica=True)
        keep_to_link_host(settings)
        give_way(limits.CONSOLE_NICENESS)
        store = open_store(settings)
        self._vault = Vault(store.sessions(), patiently(store.secret))
        self._api_url = str(settings["api_url"])
        self._tasks: list[asyncio.Task[None]] = []

    def __serve_build_asgi_app__(self) -> ConsoleApp:
        """Called by Serve once the replica is constructed."""
        from cluster.console.doors.door import console_with_doors  # who deploys it does not wait for its imports
        from cluster.console.doors.sealed import SealedSessions
        from cluster.console.frame import ConsoleConfig

        self._sessions = SealedSessions(self._vault)
        app = console_with_doors(ConsoleConfig(self._api_url), self._sessions)
        self._figures, self._replica = app.frame.figures, serve.get_replica_context().replica_id.unique_id
        return app

    async def check_health(self) -> None:
        """Asked by Serve before it sends the first request, and ever again."""
        from cluster.console.telling import tell_to_insight

        if not self._tasks:
            for work in (self._sessions.sweep_for_ever(), tell_to_insight(self._figures, self._replica)):
                self._tasks.append(asyncio.create_task(work))


def console_deployment(settings: Mapping[str, Any]) -> serve.Application:
    """It takes no processor and one byte, as every process of an installation does (see ``cluster.actors_of``)."""
    application: serve.Application = serve.deployment(
        name=naming.CONSOLE_DEPLOYMENT, num_replicas=1, max_ongoing_requests=limits.CONSOLE_ONGOING_MAX,
        ray_actor_options={"num_cpus": 0, "memory": 1},
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
        graceful_shutdown_wait_loop_s=0.2, graceful_shutdown_timeout_s=2.0, health_check_period_s=2.0,
    )(Console).bind(dict(settings))
    return application
