"""What each worker of Ray Train does: take its share of the rows, then answer what the driver asks about it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import ray
import ray.train

from cluster.many_rows.growing import Job
from cluster.many_rows.reading import Reading
from cluster.many_rows.share import gathered
from models import limits
from models.scoring.rows import Rows

#: Name of the data set whose shards the workers take.
ROWS: Final = "rows"


def work(config: dict[str, Any]) -> None:
    """The training loop. ``config``: ``reading``, ``threads``, ``board``."""
    reading, board = config["reading"], config["board"]
    context = ray.train.get_context()
    rank, workers = context.get_world_rank(), context.get_world_size()

    def told(rounds: int) -> None:
        if rank == 0:
            board.tell.remote(rounds)

    with tempfile.TemporaryDirectory(prefix="kairos-rows-") as place:
        share = gathered(_batches(reading), reading.features, Path(place))
        for number in count():
            question = ray.get(board.question.remote(number))
            if question is None:
                return
            if isinstance(question, Job):
                found = question.done(share, threads=config["threads"], workers=workers, on_round=told)
                answer = found if rank == 0 else None
            else:
                answer = question(share)
            ray.get(board.answer.remote(rank, answer))


def _batches(reading: Reading) -> Iterator[Rows]:
    some = False
    for table in ray.train.get_dataset_shard(ROWS).iter_batches(
        batch_size=limits.TRAINING_BATCH_ROWS, batch_format="pyarrow"
    ):
        some = True
        yield reading.rows(table)
    if not some:  # what it says of columns is needed
        yield reading.rows(reading.nothing())
