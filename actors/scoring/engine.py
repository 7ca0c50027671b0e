"""What answers shards in the scorer's own process: a batch of requests in, an answer each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np

from actors.scoring.loaded import LoadedScorers
from actors.scoring.wire import PONG, Asked, pack_answer
from models import limits
from models.errors import BadInput, KairosError

Answer = bytes | KairosError


class ScoringEngine:
    """Those of one version become one matrix. May be asked by several threads."""

    def __init__(self, scorers: LoadedScorers) -> None:
        self._scorers = scorers

    def has(self, version: str) -> bool:
        """Whether it is in memory: scoring by it reads no file."""
        return self._scorers.found(version) is not None

    def load(self, version: str) -> None:
        """Read its file. Raises ``UnknownScorerError``; ``BadInput`` when it is damaged."""
        self._scorers.load(version)

    def answer(self, batch: list[Asked]) -> list[Answer]:
        """One answer per request, in order. A request that fails, fails alone."""
        answers: list[Answer] = [PONG] * len(batch)
        waiting: dict[str, list[int]] = {}
        for place, asked in enumerate(batch):
            if asked.version is None:
                continue
            try:
                self._check_width(asked.version, asked)
                if asked.explain:
                    found = self._scorers.load(asked.version).contributions(asked.matrix)
                    answers[place] = pack_answer(asked, found)
                else:
                    waiting.setdefault(asked.version, []).append(place)
            except KairosError as error:
                answers[place] = error
        for version, places in waiting.items():
            matrices = [batch[place].matrix for place in places]
            matrix = matrices[0] if len(matrices) == 1 else np.concatenate(matrices)
            scores, start = self._scorers.load(version).predict(matrix), 0
            for place, part in zip(places, matrices, strict=True):
                answers[place] = pack_answer(batch[place], scores[start : start + len(part)])
                start += len(part)
        return answers

    def _check_width(self, version: str, asked: Asked) -> None:
        expected = len(self._scorers.load(version).manifest.features)
        if asked.matrix.shape[1] != expected:
            raise BadInput(f"scorer {version} reads {expected} columns, the request has {asked.matrix.shape[1]}")


class Batcher:
    """What arrives in one round of the event loop is answered together, up to a bound. Nobody waits for a batch to
    fill. What ``serve.batch`` does with a queue, a task and gauges per request, for less work."""

    def __init__(self, answer: Callable[[list[Asked]], list[Answer]]) -> None:
        self._answer = answer
        self._waiting: deque[tuple[Asked, asyncio.Future[Answer]]] = deque()

    def submit(self, request: Asked) -> asyncio.Future[Answer]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
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
