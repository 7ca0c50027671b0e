"""The ``Scorer`` of Ray Serve: rows in, probabilities out, for every shard, one matrix at a time.

A request is msgpack ``{"version": str | None, "rows": n, "cols": c, "data": float32 bytes, little-endian, row by
row}``, its answer ``{"version", "scores": float32 bytes}``. Version None asks nothing and is answered
``{"version": None}``: the caller only wants to know that a scorer is there. Anything wrong raises, and the shard then
decides on evidence alone.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
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


class ScoringEngine:
    """Answers a batch of requests: those of one version become one matrix. Loads trees when first asked for them."""

    def __init__(self, registry: ScorerRegistry) -> None:
        self._registry = registry
        self._loaded: OrderedDict[str, Booster] = OrderedDict()

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
        waiting: dict[str, list[tuple[int, NDArray[np.float32]]]] = {}
        for place, request in enumerate(requests):
            try:
                version, matrix = _decode(request)
                if version is not None:
                    self._check_width(version, matrix)
                    waiting.setdefault(version, []).append((place, matrix))
            except KairosError as error:
                answers[place] = error
        for version, parts in waiting.items():
            matrix = parts[0][1] if len(parts) == 1 else np.concatenate([part for _, part in parts])
            scores, start = self._booster(version).predict(matrix).astype(_FLOAT32, copy=False), 0
            for place, part in parts:
                answers[place] = pack({"version": version, "scores": scores[start : start + len(part)].tobytes()})
                start += len(part)
        return answers

    def _check_width(self, version: str, matrix: NDArray[np.float32]) -> None:
        expected = len(self._booster(version).manifest.features)
        if matrix.shape[1] != expected:
            raise BadInput(f"scorer {version} reads {expected} columns, the request has {matrix.shape[1]}")

    def _booster(self, version: str) -> Booster:
        found = self._loaded.get(version)
        if found is None:
            found = self._loaded[version] = self._registry.load(version)
            while len(self._loaded) > limits.SCORERS_LOADED_MAX:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(version)
        return found


class Scorer:
    """One replica. Batches what arrives while it predicts; never waits for a batch to fill."""

    def __init__(self, data_dir: str) -> None:
        self._engine = ScoringEngine(ScorerRegistry(Path(data_dir)))
        self._engine.warm()

    async def score(self, payload: bytes) -> bytes:
        """See the module. Raises ``KairosError`` on an unknown version, a damaged file or other columns."""
        answer: bytes | KairosError = await self._score_all(payload)
        if isinstance(answer, KairosError):
            raise answer
        return answer

    @serve.batch(max_batch_size=limits.SCORER_BATCH_MAX, batch_wait_timeout_s=0.0)
    async def _score_all(self, payloads: list[bytes]) -> list[bytes | KairosError]:
        return self._engine.answer(payloads)


def scorer_app(settings: Mapping[str, Any], replicas: int = 1) -> serve.Application:
    """The Serve application of the scorer, for the ``data_dir`` of the settings; it needs no route."""
    deployment: Any = serve.deployment(
        name=SCORER_DEPLOYMENT, num_replicas=replicas, max_ongoing_requests=limits.SCORER_ONGOING_MAX,
        max_queued_requests=limits.SCORER_QUEUED_MAX, ray_actor_options={"num_cpus": 0},
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
    )(Scorer)
    application: serve.Application = deployment.bind(str(settings["data_dir"]))
    return application


def _decode(request: bytes) -> tuple[str | None, NDArray[np.float32]]:
    try:
        body = unpack(request)
        version, rows, columns, data = body["version"], body["rows"], body["cols"], body["data"]
        matrix = np.frombuffer(data, _FLOAT32).reshape(rows, columns)
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(f"a request to the scorer is malformed ({error}); see actors.scorer") from error
    return version, matrix
