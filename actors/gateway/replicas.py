"""What Ray Serve says of the installation's applications: how many replicas of each run, and how each fares."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from actors import naming
from models import limits

log = structlog.get_logger(__name__)
APPLICATIONS: Final = (naming.GATEWAY_APP, naming.SCORER_APP, naming.CONSOLE_APP)
_BELIEVED_S: Final = limits.SERVING_BELIEVED_MS / limits.SECOND_MS
_ANSWER_S_MAX: Final = limits.SERVING_ANSWER_MS_MAX / limits.SECOND_MS


def by_serve() -> list[dict[str, Any]]:
    """Asks Serve's controller, and blocks meanwhile."""
    found = serve.status().applications
    return [
        {"application": name, "deployment": deployment, "state": one.status.value.lower(),
         "running": one.replica_states.get("RUNNING", 0), "replicas": sum(one.replica_states.values())}
        for name in APPLICATIONS if name in found for deployment, one in found[name].deployments.items()
    ]


class Replicas:
    """Belongs to one event loop; however many ask, Serve is asked once in a while."""

    def __init__(
        self, ask: Callable[[], list[dict[str, Any]]] = by_serve, now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._now_s = ask, now_s
        self._told: list[dict[str, Any]] | None = None
        self._told_s = float("-inf")
        self._look: asyncio.Task[None] | None = None

    async def told(self) -> list[dict[str, Any]] | None:
        """A row per deployment; None while Serve's controller does not answer."""
        if self._now_s() - self._told_s >= _BELIEVED_S:
            if self._look is None or self._look.done():
                self._look = asyncio.get_running_loop().create_task(self._looked())
            done, _ = await asyncio.wait([self._look], timeout=_ANSWER_S_MAX)
            if not done:
                return None
        return self._told

    async def _looked(self) -> None:
        try:
            self._told = await asyncio.to_thread(self._ask)
        except (RayError, RayServeException, ConnectionError, RuntimeError) as error:
            log.info("serving_unknown", error=type(error).__name__)
            self._told = None
        self._told_s = self._now_s()
