"""The ``Scorer`` of Ray Serve: rows in, probabilities out, for every shard, one matrix at a time.

Serve deploys it, watches it and tells shards of it; rows come over a link (see ``actors.link``), at a tenth of the cost
of a call through Serve. What passes: ``actors.scoring.wire``. Anything wrong raises, and the shard decides on evidence
alone.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ray
from ray import serve

from actors.link.address import Address
from actors.link.handshake import link_key
from actors.link.server import LinkServer
from actors.logs import configure_logs
from actors.naming import SCORER_DEPLOYMENT
from actors.replica_port import keep_to_link_host
from actors.scoring.engine import Answer, Batcher, ScoringEngine
from actors.scoring.loaded import open_scorers
from actors.scoring.wire import METHOD, PURPOSE, Asked, unpack_asked
from actors.stores.opening import open_store
from actors.stores.patience import patiently
from actors.tracing.opening import open_tracer
from models import limits
from models.errors import BadInput, KairosError


class Scorer:
    """One replica. Batches what arrives while it predicts. What explains is worked on in a thread of its own, one
    request at a time: it takes long, and scores must not wait for it."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """``settings``: ``store``, ``data_dir`` and ``link_host``."""
        configure_logs(str(settings.get("log_level", "info")), process="scorer", in_replica=True)
        keep_to_link_host(settings)
        self._tracer = open_tracer(settings, kind="scorer")
        store = open_store(settings)
        self._engine = ScoringEngine(open_scorers(store.scorers()))
        self._batcher = Batcher(self._engine.answer)
        gc.set_threshold(limits.GARBAGE_OBJECTS_MIN)
        self._explaining = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explaining")
        self._server = LinkServer(self._score, link_key(patiently(store.secret)), PURPOSE)
        self._listening: asyncio.Task[Address] | None = None
        #: By version.
        self._loading: dict[str, asyncio.Task[None]] = {}

    async def address(self) -> bytes:
        """Where rows are taken, as ``actors.link.address.Address``. The first who asks opens the port."""
        if self._listening is None:
            # This node's address to Ray: loopback, unless it has joined a cluster.
            self._listening = asyncio.create_task(self._server.start(ray.util.get_node_ip_address()))
        return (await asyncio.shield(self._listening)).to_wire()

    def check_health(self) -> None:
        """Asked by Serve, which replaces a replica that raises: one that cannot listen is of no use."""
        if self._listening is not None and self._listening.done():
            self._listening.result()

    async def _score(self, method: str, payload: bytes) -> bytes:
        """What comes over the link. Raises ``KairosError`` on an unknown version, a damaged file or other columns."""
        if method != METHOD:
            raise BadInput(f"a scorer takes no {method!r} over its link")
        asked = unpack_asked(payload)
        if self._tracer is None or not asked.traceparent:
            return await self._answered(asked)
        from actors.scoring.trace import predicting  # only who traces has its imports

        with predicting(self._tracer, asked):
            return await self._answered(asked)

    async def _answered(self, asked: Asked) -> bytes:
        if asked.version is not None and not self._engine.has(asked.version):
            await self._load(asked.version)
        answer: Answer
        if asked.explain:
            loop = asyncio.get_running_loop()
            (answer,) = await loop.run_in_executor(self._explaining, self._engine.answer, [asked])
        else:
            answer = await self._batcher.submit(asked)
        if isinstance(answer, KairosError):
            raise answer
        return answer

    async def _load(self, version: str) -> None:
        """Read a version beside the event loop, where other shards' rows are scored meanwhile."""
        task = self._loading.get(version)
        if task is None:
            task = self._loading[version] = asyncio.create_task(asyncio.to_thread(self._engine.load, version))
            task.add_done_callback(lambda _: self._loading.pop(version, None))
        await asyncio.shield(task)


def scorer_app(settings: Mapping[str, Any], replicas: int = 1) -> serve.Application:
    """The Serve application of the scorer; it needs no route. ``settings``: see ``Scorer``."""
    deployment: Any = serve.deployment(
        name=SCORER_DEPLOYMENT, num_replicas=replicas, max_ongoing_requests=limits.SCORER_ONGOING_MAX,
        max_queued_requests=limits.SCORER_QUEUED_MAX, ray_actor_options={"num_cpus": 0, "memory": 1},
        logging_config={"enable_access_log": False, "log_level": "WARNING"}, health_check_period_s=2.0,
    )(Scorer)
    application: serve.Application = deployment.bind(dict(settings))
    return application
