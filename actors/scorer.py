"""The ``Scorer`` of Ray Serve: rows in, probabilities out, for every shard, one matrix at a time.

A request is msgpack ``{"version": str | None, "rows": n, "cols": c, "data": float32 bytes, little-endian, row by
row}``, its answer ``{"version", "scores": float32 bytes}``. With ``"explain": True`` the answer has
``"contributions"`` too, float32 bytes of [rows, features + 1] in log-odds, for a bounded number of rows. Version None
asks nothing and is answered ``{"version": None}``: the caller only wants to know that a scorer is there. Anything wrong
raises, and the shard then decides on evidence alone.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from ray import serve

from actors.naming import SCORER_DEPLOYMENT
from actors.scorer_registry import ScorerRegistry
from models import limits
from models.canonical import pack, unpack
from models.errors import BadInput, KairosError
from models.scoring.booster import Booster

_FLOAT32: Final = np.dtype("<f4")
_LOG: Final = logging.getLogger("kairos.scorer")


@dataclass(frozen=True, slots=True)
class _Asked:
    version: str | None
    matrix: NDArray[np.float32]
    explain: bool


class ScoringEngine:
    """Answers a batch of requests: those of one version become one matrix. Loads trees when first asked for them. May
    be asked by several threads."""

    def __init__(self, registry: ScorerRegistry) -> None:
        self._registry = registry
        self._loaded: OrderedDict[str, Booster] = OrderedDict()
        self._loading = Lock()

    def warm(self) -> None:
        """Load the newest registered scorer ahead of its first request, if there is one and it is sound."""
        try:
            newest = self._registry.newest()
            if newest is not None:
                self._booster(newest.version)
        except KairosError as error:
            _LOG.warning("the newest scorer cannot be loaded: %s", error)

    def answer(self, requests: list[bytes]) -> list[bytes | KairosError]:
        """One answer per request, in order. A request that fails, fails alone."""
        answers: list[bytes | KairosError] = [pack({"version": None})] * len(requests)
        waiting: dict[str, list[tuple[int, _Asked]]] = {}
        for place, request in enumerate(requests):
            try:
                asked = _decode(request)
                if asked.version is not None:
                    self._check_width(asked.version, asked.matrix)
                    waiting.setdefault(asked.version, []).append((place, asked))
            except KairosError as error:
                answers[place] = error
        for version, parts in waiting.items():
            booster, start = self._booster(version), 0
            matrix = parts[0][1].matrix if len(parts) == 1 else np.concatenate([asked.matrix for _, asked in parts])
            scores = booster.predict(matrix).astype(_FLOAT32, copy=False)
            for place, asked in parts:
                end = start + len(asked.matrix)
                answer = {"version": version, "scores": scores[start:end].tobytes()}
                if asked.explain:
                    contributions = booster.contributions(asked.matrix).astype(_FLOAT32, copy=False)
                    answer["contributions"] = contributions.tobytes()
                answers[place], start = pack(answer), end
        return answers

    def _check_width(self, version: str, matrix: NDArray[np.float32]) -> None:
        expected = len(self._booster(version).manifest.features)
        if matrix.shape[1] != expected:
            raise BadInput(f"scorer {version} reads {expected} columns, the request has {matrix.shape[1]}")

    def _booster(self, version: str) -> Booster:
        with self._loading:
            found = self._loaded.get(version)
            if found is None:
                found = self._loaded[version] = self._registry.load(version)
                while len(self._loaded) > limits.SCORERS_LOADED_MAX:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(version)
            return found


class Batcher:
    """What arrives in one round of the event loop is answered together, up to a bound. Nobody waits for a batch to
    fill. What ``serve.batch`` does with a queue, a task and gauges per request, for less work."""

    def __init__(self, answer: Callable[[list[bytes]], list[bytes | KairosError]]) -> None:
        self._answer = answer
        self._waiting: deque[tuple[bytes, asyncio.Future[bytes | KairosError]]] = deque()

    def submit(self, request: bytes) -> asyncio.Future[bytes | KairosError]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes | KairosError] = loop.create_future()
        self._waiting.append((request, future))
        if len(self._waiting) == 1:
            loop.call_soon(self._run)
        return future

    def _run(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), limits.SCORER_BATCH_MAX))]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._run)
        live = [(request, future) for request, future in batch if not future.done()]
        try:
            answers = self._answer([request for request, _ in live])
        except Exception as error:
            for _, future in live:
                future.set_exception(error)
            return
        for (_, future), answer in zip(live, answers, strict=True):
            future.set_result(answer)


class Scorer:
    """One replica. Batches what arrives while it predicts. What explains is worked on in a thread of its own, one
    request at a time: it takes long, and scores must not wait for it."""

    def __init__(self, data_dir: str) -> None:
        self._engine = ScoringEngine(ScorerRegistry(Path(data_dir)))
        self._engine.warm()
        self._batcher = Batcher(self._engine.answer)
        gc.set_threshold(limits.GARBAGE_OBJECTS_MIN)
        self._explaining = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explaining")

    async def score(self, payload: bytes) -> bytes:
        """See the module. Raises ``KairosError`` on an unknown version, a damaged file or other columns."""
        answer: bytes | KairosError
        if _explains(payload):
            (answer,) = await asyncio.get_running_loop().run_in_executor(
                self._explaining, self._engine.answer, [payload]
            )
        else:
            answer = await self._batcher.submit(payload)
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


def _decode(request: bytes) -> _Asked:
    try:
        body = unpack(request)
        version, rows, columns, data = body["version"], body["rows"], body["cols"], body["data"]
        matrix = np.frombuffer(data, _FLOAT32).reshape(rows, columns)
        explain = bool(body.get("explain"))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(f"a request to the scorer is malformed ({error}); see actors.scorer") from error
    if explain and rows > limits.EXPLAINED_ROWS_MAX:
        raise BadInput(f"{rows} rows to explain, at most {limits.EXPLAINED_ROWS_MAX} at once; ask for the best alone")
    return _Asked(version, matrix, explain)


def _explains(request: bytes) -> bool:
    try:
        return _decode(request).explain
    except BadInput:
        return False
