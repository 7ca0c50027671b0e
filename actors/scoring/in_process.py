"""The scorer inside the shard's own process: no hop, and the same trees from the same registry.

The library is imported and files are read in a thread, so that turns go on meanwhile; who asks for a version that is
not there yet waits for it as long as it likes. Few rows are scored where they are asked for, which is cheaper than any
thread; many, and every explanation, in a thread of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from actors.scoring.interface import Matrix, Wanted
from models import limits
from models.errors import BadInput, KairosError

if TYPE_CHECKING:  # imports xgboost, for which a shard does not wait at its start
    from actors.scoring.loaded import LoadedScorers
    from models.scoring.booster import Booster

T = TypeVar("T")


class InProcessScorer:
    def __init__(self, open_scorers: Callable[[], LoadedScorers]) -> None:
        """``open_scorers`` is called once, in a thread."""
        self._open_scorers = open_scorers
        self._scorers: LoadedScorers | None = None
        #: What is being worked on in a thread, for whoever waits for it, by version (the registry by None).
        self._opening: asyncio.Task[LoadedScorers] | None = None
        self._loading: dict[str, asyncio.Task[Booster]] = {}
        self._scoring = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scoring")
        self._explaining = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explaining")

    async def find(self, wanted: Wanted = ()) -> None:
        await self._opened()
        for version, _ in wanted:
            with suppress(KairosError):  # whoever asks for it is told
                await self._booster(version)

    async def ping(self) -> None:
        await self._opened()

    async def predict(self, version: str, matrix: Matrix) -> NDArray[np.float32]:
        booster = await self._booster(version)
        if len(matrix) * booster.trees <= limits.SCORER_INLINE_VISITS_MAX:
            return booster.predict(matrix)
        return await asyncio.get_running_loop().run_in_executor(self._scoring, booster.predict, matrix)

    async def contributions(self, version: str, matrix: Matrix) -> NDArray[np.float32]:
        if len(matrix) > limits.EXPLAINED_ROWS_MAX:
            raise BadInput(
                f"{len(matrix)} rows to explain, at most {limits.EXPLAINED_ROWS_MAX} at once; ask for the best alone"
            )
        booster = await self._booster(version)
        return await asyncio.get_running_loop().run_in_executor(self._explaining, booster.contributions, matrix)

    async def _opened(self) -> LoadedScorers:
        if self._scorers is not None:
            return self._scorers
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> LoadedScorers:
        self._scorers = await asyncio.to_thread(self._open_scorers)
        return self._scorers

    async def _booster(self, version: str) -> Booster:
        scorers = await self._opened()
        booster = scorers.found(version)
        if booster is not None:
            return booster
        task = self._loading.get(version)
        if task is None:
            task = self._loading[version] = asyncio.create_task(asyncio.to_thread(scorers.load, version))
            task.add_done_callback(lambda _: self._loading.pop(version, None))
        return await asyncio.shield(task)
