"""The ``Scorer`` of Ray Serve: rows in, probabilities out, for every shard, one matrix at a time.

What passes: ``actors.scoring.wire``. Anything wrong raises, and the shard then decides on evidence alone.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ray import serve

from actors.naming import SCORER_DEPLOYMENT
from actors.scoring.engine import Answer, Batcher, ScoringEngine
from actors.scoring.loaded import open_scorers
from actors.scoring.wire import unpack_asked
from models import limits
from models.errors import KairosError


class Scorer:
    """One replica. Batches what arrives while it predicts. What explains is worked on in a thread of its own, one
    request at a time: it takes long, and scores must not wait for it."""

    def __init__(self, data_dir: str) -> None:
        self._engine = ScoringEngine(open_scorers(Path(data_dir)))
        self._batcher = Batcher(self._engine.answer)
        gc.set_threshold(limits.GARBAGE_OBJECTS_MIN)
        self._explaining = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explaining")

    async def score(self, payload: bytes) -> bytes:
        """See the module. Raises ``KairosError`` on an unknown version, a damaged file or other columns."""
        asked = unpack_asked(payload)
        answer: Answer
        if asked.explain:
            loop = asyncio.get_running_loop()
            (answer,) = await loop.run_in_executor(self._explaining, self._engine.answer, [asked])
        else:
            answer = await self._batcher.submit(asked)
        if isinstance(answer, KairosError):
            raise answer
        return answer


def scorer_app(settings: Mapping[str, Any], replicas: int = 1) -> serve.Application:
    """The Serve application of the scorer, for the ``data_dir`` of the settings; it needs no route."""
    deployment: Any = serve.deployment(
        name=SCORER_DEPLOYMENT, num_replicas=replicas, max_ongoing_requests=limits.SCORER_ONGOING_MAX,
        max_queued_requests=limits.SCORER_QUEUED_MAX, ray_actor_options={"num_cpus": 0},
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
    )(Scorer)
    application: serve.Application = deployment.bind(str(settings["data_dir"]))
    return application
