"""Rows on a Ray cluster: Ray Data reads them, once; Ray Train's workers hold them and grow the trees."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable
from typing import Any, Final

import ray
import ray.data
import ray.train
import ray.train.xgboost

from cluster.many_rows.board import Board
from cluster.many_rows.growing import Job
from cluster.many_rows.passes import Answer
from cluster.many_rows.reading import Reading
from cluster.many_rows.share import Share
from cluster.many_rows.worker import ROWS, work
from models.errors import BadInput, KairosError

_LOOK_S: Final = 0.1
_END_S: Final = 60.0


class RayShares:
    """``cluster.many_rows.passes.Shares`` that the workers took of files that every node reaches under the same path.
    ``end`` it."""

    def __init__(self, reading: Reading, *, workers: int, threads: int) -> None:
        """``threads``: of each worker."""
        for name in ("ray.data", "ray.train"):  # they say every step
            logging.getLogger(name).setLevel(logging.ERROR)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        self._board = ray.remote(Board).options(num_cpus=0).remote(workers)
        self._nothing = tempfile.TemporaryDirectory(prefix="kairos-ray-")
        self._trainer = ray.train.xgboost.XGBoostTrainer(
            work, train_loop_config={"reading": reading, "threads": threads, "board": self._board},
            scaling_config=ray.train.ScalingConfig(num_workers=workers, resources_per_worker={"CPU": threads}),
            # Nothing is stored there; Ray Train wants a place where it could.
            run_config=ray.train.RunConfig(
                name="kairos", storage_path=self._nothing.name,
                logging_config=ray.train.LoggingConfig(log_level="ERROR"),
            ),
            datasets={ROWS: ray.data.read_parquet(
                list(reading.files), columns=list(reading.columns), partitioning=None)},
        )
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._fit, name="ray-train", daemon=True)
        self._thread.start()

    def ask(self, question: Callable[[Share], Answer]) -> list[Answer]:
        return self._asked(question, lambda rounds: None)

    def grow(self, job: Job, on_round: Callable[[int], None]) -> bytes:
        """The model that all workers grew together."""
        model: bytes = self._asked(job, on_round)[0]
        return model

    def end(self) -> None:
        """The workers leave."""
        ray.get(self._board.end.remote())
        self._thread.join(_END_S)
        self._nothing.cleanup()

    def _asked(self, question: Any, on_round: Callable[[int], None]) -> list[Any]:
        ray.get(self._board.ask.remote(question))
        while True:
            found = ray.get(self._board.found.remote())
            if isinstance(found, list):
                return found
            if not self._thread.is_alive():
                raise _plain(self._failure)
            on_round(found)
            self._thread.join(_LOOK_S)

    def _fit(self) -> None:
        try:
            self._trainer.fit()
        except Exception as error:  # told by whoever waits for an answer
            self._failure = error


def _plain(error: BaseException | None) -> KairosError:
    """What went wrong on the cluster, in one line."""
    failures = getattr(error, "worker_failures", {})
    for failure in failures.values():
        cause = getattr(failure, "cause", failure)
        if isinstance(cause, BadInput):
            return cause
    said = str(error).strip().splitlines()
    return KairosError(f"training on Ray failed: {said[-1] if said else 'the workers ended'}; see Ray's own logs")
