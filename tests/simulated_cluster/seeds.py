"""Many seeds, on as many cores as there are: their figures, and the first that fails."""

from __future__ import annotations

import gc
import multiprocessing
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from simulated_cluster.planted import PLANTED
from simulated_cluster.world import Story, tell

_process_time = time.process_time
#: Seeds that one process tells before it says how it went.
BLOCK: Final = 50


@dataclass
class Tally:
    seeds: int = 0
    cpu_s: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)
    failed: list[Story] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.seeds += other.seeds
        self.cpu_s += other.cpu_s
        self.seen += other.seen
        self.failed += other.failed


def tell_block(first: int, count: int, planted: str = "", stop_at_first: bool = True) -> Tally:
    """Seeds ``first`` and after, in this process."""
    tally, started = Tally(), _process_time()
    warnings.simplefilter("ignore", RuntimeWarning)  # coroutines that a killed process never came to
    with PLANTED[planted].planted():
        for seed in range(first, first + count):
            story = tell(seed)
            tally.seeds += 1
            tally.seen.update(story.seen)
            tally.seen["events"] += story.steps
            if story.error:
                tally.failed.append(story)
                if stop_at_first:
                    break
    tally.cpu_s = _process_time() - started
    gc.collect()
    return tally


def _settle() -> None:
    """What a worker has imported is not looked at by each search for garbage."""
    gc.collect()
    gc.freeze()


def tell_all(
    first: int, count: int, jobs: int, planted: str = "", told: Callable[[Tally], None] = lambda _: None
) -> Tally:
    """Stops soon after the first block in which a seed failed. ``told``: called with the tally after each block."""
    tally = Tally()
    blocks = [(start, min(BLOCK, first + count - start)) for start in range(first, first + count, BLOCK)]
    if jobs == 1:
        results: Iterator[Any] = (tell_block(*block, planted) for block in blocks)
        return _sum(tally, results, told)
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_settle) as pool:
        futures = [pool.submit(tell_block, *block, planted) for block in blocks]
        tally = _sum(tally, (future.result() for future in futures), told)
        pool.shutdown(wait=False, cancel_futures=True)
    return tally


def _sum(tally: Tally, results: Iterator[Any], told: Callable[[Tally], None]) -> Tally:
    for result in results:
        tally.add(result)
        told(tally)
        if tally.failed:
            break
    return tally
