"""The engine against bare xgboost: a turn of 64 decisions x 20 candidates, bytes to bytes, fsync included."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from loadtests import scenario
from loadtests.engine_shard import EngineShard, decision_wire, history, send
from loadtests.references.bare_xgboost import BareXgboost
from loadtests.trees import COLUMNS, DEPTH, TREES, booster
from models import canonical

DECISIONS = 64
ROUNDS = 60
PREDICTIONS_PER_ROUND = 5
#: Groups of rounds whose medians tell the spread.
PARTS = 5


def run() -> dict[str, Any]:
    """Interleaved rounds in one process; one thread."""
    return asyncio.run(_run())


async def _run() -> dict[str, Any]:
    trees = booster()
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as place:
        shard = EngineShard(Path(place), scenario.catalog(), trees)
        await shard.open()
        await _seed(shard)
        # What the seeding left to write out is not the turns' own.
        await shard.checkpoint()
        batches = [_batch(turn) for turn in range(ROUNDS + 10)]
        for batch in batches[:10]:
            await shard.handle(batch)
        turns, bare = await _rounds(shard, batches[10:], BareXgboost())
        rows = shard.scorer.rows // len(batches)
        shard.close()
    ratios = [turn.wall_s / one.wall_s for turn, one in zip(turns, bare, strict=True)]
    return {
        "decisions_per_turn": DECISIONS, "rows_per_turn": rows, "trees": TREES, "depth": DEPTH,
        "features": len(COLUMNS), "turn_ms": statistics.median(turn.wall_s for turn in turns) * 1e3,
        "turn_p99_ms": sorted(turn.wall_s for turn in turns)[int(len(turns) * 0.99)] * 1e3,
        "bare_predict_ms": statistics.median(one.wall_s for one in bare) * 1e3, "ratio": statistics.median(ratios),
        "cpu_ratio": statistics.median(turn.cpu_s / one.cpu_s for turn, one in zip(turns, bare, strict=True)),
        "ratios": [statistics.median(ratios[part::PARTS]) for part in range(PARTS)],
        "decision_us": statistics.median(turn.wall_s for turn in turns) / DECISIONS * 1e6,
        "decision_cpu_us": statistics.median(turn.cpu_s for turn in turns) / DECISIONS * 1e6,
    }


async def _seed(shard: EngineShard) -> None:
    now_ms = shard.parts.now_ms()
    for customer in range(scenario.CUSTOMERS):
        await send(shard, history(f"c-{customer}", 20, now_ms - 1_000))


def _batch(turn: int) -> bytes:
    first = turn * DECISIONS
    return canonical.pack([decision_wire(scenario.decision(first + n)) for n in range(DECISIONS)])


@dataclass(frozen=True, slots=True)
class Cost:
    """By the wall and by the processor, all threads: the second hardly feels who else uses the machine."""

    wall_s: float
    cpu_s: float

    @classmethod
    def since(cls, begin: Cost, parts: int = 1) -> Cost:
        now = cls.now()
        return cls((now.wall_s - begin.wall_s) / parts, (now.cpu_s - begin.cpu_s) / parts)

    @classmethod
    def now(cls) -> Cost:
        return cls(time.perf_counter(), time.process_time())


async def _rounds(shard: EngineShard, batches: list[bytes], bare: BareXgboost) -> tuple[list[Cost], list[Cost]]:
    """What each turn costs, and bare prediction of as many rows right after it."""
    matrix = np.random.default_rng(3).gamma(2.0, 3.0, (DECISIONS * scenario.SURVIVORS, len(COLUMNS)))
    matrix = matrix.astype(np.float32)
    turns, predictions = [], []
    for batch in batches:
        begin = Cost.now()
        replies = await shard.handle(batch)
        turns.append(Cost.since(begin))
        assert all(status == 200 for status, _ in canonical.unpack(replies))
        begin = Cost.now()
        for _ in range(PREDICTIONS_PER_ROUND):
            bare.predict(matrix)
        predictions.append(Cost.since(begin, PREDICTIONS_PER_ROUND))
    return turns, predictions
