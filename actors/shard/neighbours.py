"""The shard's neighbours on Ray, found by name and found again when they are gone."""

from __future__ import annotations

import asyncio
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import ray

from actors.naming import COORDINATOR, NAMESPACE, SCORER_APP, SCORER_DEPLOYMENT
from actors.scoring.in_process import InProcessScorer
from actors.scoring.interface import Scorer, ScorerGoneError
from actors.scoring.remote import RemoteScorer
from actors.shard.settings import IN_PROCESS, ShardSettings

# Serve takes as long to import as all the rest of a shard, and so does xgboost: a restarted shard answers first, and
# imports the one that it needs then, in a thread.


def _scorer_handle() -> Any:
    return import_module("ray.serve").get_deployment_handle(SCORER_DEPLOYMENT, SCORER_APP)


def _open_scorers(data_dir: str) -> Any:
    return import_module("actors.scoring.loaded").open_scorers(Path(data_dir))


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
    """The line to the Serve deployment. Serve's router chooses the replica."""

    def __init__(self) -> None:
        self._score: Any = None

    async def find(self) -> None:
        if self._score is None:
            # The method is kept: Serve makes a new handle at each look, and at the first binds it to this event loop.
            self._score = (await asyncio.to_thread(_scorer_handle)).score

    async def call(self, request: bytes) -> bytes:
        """``Scorer.score``."""
        if self._score is None:
            raise ScorerGoneError("the scorer's deployment has not been looked up yet")
        answer: bytes = await self._score.remote(request)
        return answer


def find_scorer(settings: ShardSettings) -> Scorer:
    """The scorer that the settings choose."""
    if settings.scorer == IN_PROCESS:
        return InProcessScorer(partial(_open_scorers, settings.data_dir))
    return RemoteScorer(ScorerHandle())
