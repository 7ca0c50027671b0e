"""The shard's neighbours on Ray, found by name and found again when they are gone."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

import ray

from actors.naming import COORDINATOR, NAMESPACE, SCORER_APP, SCORER_DEPLOYMENT


def _scorer_handle() -> Any:
    # Serve takes as long to import as all the rest of a shard: a restarted shard answers first and imports it then.
    return import_module("ray.serve").get_deployment_handle(SCORER_DEPLOYMENT, SCORER_APP)


class CoordinatorHandle:
    def __init__(self) -> None:
        self._handle: Any = None

    async def call(self, report: bytes) -> bytes:
        """``Coordinator.sync``. Raises whatever Ray raises when it is not there."""
        if self._handle is None:
            self._handle = await asyncio.to_thread(ray.get_actor, COORDINATOR, namespace=NAMESPACE)
        try:
            answer: bytes = await self._handle.sync.remote(report)
        except Exception:
            self._handle = None
            raise
        return answer


class ScorerHandle:
    def __init__(self) -> None:
        self._score: Any = None

    async def call(self, request: bytes) -> bytes:
        """``Scorer.score``. The first call looks the deployment up, so it belongs to a probe, not to a decision."""
        if self._score is None:
            # The method is kept: Serve makes a new handle at each look, and at the first binds it to this event loop.
            self._score = (await asyncio.to_thread(_scorer_handle)).score
        answer: bytes = await self._score.remote(request)
        return answer
