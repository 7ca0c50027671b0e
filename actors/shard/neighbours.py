"""The shard's neighbours on Ray, found by name and found again when they are gone."""

from __future__ import annotations

import asyncio
from functools import partial
from importlib import import_module
from typing import Any

import ray

from actors.link.address import Address
from actors.link.handshake import link_key
from actors.naming import COORDINATOR, NAMESPACE, SCORER_APP, SCORER_DEPLOYMENT
from actors.scoring.in_process import InProcessScorer
from actors.scoring.interface import Scorer
from actors.scoring.line import ReplicaLine
from actors.scoring.remote import RemoteScorer
from actors.shard.settings import IN_PROCESS, ShardSettings
from actors.stores.interface import Store

# Serve takes as long to import as all the rest of a shard, and so does xgboost: a restarted shard answers first, and
# imports the one that it needs then, in a thread.


def _scorer_handle() -> Any:
    return import_module("ray.serve").get_deployment_handle(SCORER_DEPLOYMENT, SCORER_APP)


def _open_scorers(store: Store) -> Any:
    return import_module("actors.scoring.loaded").open_scorers(store.scorers())


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
    """The Serve deployment, asked for a replica's address and nothing else."""

    def __init__(self) -> None:
        self._address: Any = None

    async def address(self) -> Address:
        if self._address is None:
            # The method is kept: Serve makes a new handle at each look, and at the first binds it to this event loop.
            self._address = (await asyncio.to_thread(_scorer_handle)).address
        return Address.from_wire(await self._address.remote())


def find_scorer(settings: ShardSettings, store: Store, secret: bytes) -> Scorer:
    """The scorer that the settings choose. ``secret``: the installation's."""
    if settings.scorer == IN_PROCESS:
        return InProcessScorer(partial(_open_scorers, store))
    return RemoteScorer(ReplicaLine(ScorerHandle().address, link_key(secret)))
