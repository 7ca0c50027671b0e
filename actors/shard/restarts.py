"""How often this process's actor was started again, as Ray counts it: since its incarnation was made, which is when the
installation was started or the shard moved here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import ray
import structlog
from ray._private.state import actors as actor_table
from ray.exceptions import RaySystemError

log = structlog.get_logger(__name__)


def restarts_by_ray() -> int | None:
    """Asks Ray's control store, and blocks meanwhile; None outside of Ray, and when it does not know."""
    if not ray.is_initialized():
        return None
    actor_id = ray.get_runtime_context().get_actor_id()
    known = actor_table(actor_id) if actor_id else {}
    return int(known["NumRestarts"]) if known else None


class Restarts:
    """Asked for once, beside whoever wants to know: it does not change while the process lives."""

    def __init__(self, look: Callable[[], int | None] = restarts_by_ray) -> None:
        self._ask = look
        self._look: asyncio.Task[int | None] | None = None

    def told(self) -> int | None:
        """None while it is not known. Belongs to one event loop."""
        if self._look is None:
            self._look = asyncio.get_running_loop().create_task(self._looked())
        return self._look.result() if self._look.done() and not self._look.cancelled() else None

    async def _looked(self) -> int | None:
        try:
            return await asyncio.to_thread(self._ask)
        except (RaySystemError, RuntimeError, ConnectionError, ValueError) as error:
            log.warning("restarts_unknown", error=type(error).__name__)
            return None
