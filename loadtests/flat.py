"""What a decision costs as history grows from 10 to 5,000 events, and as the catalog grows from 10 to 1,000 actions."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from loadtests import scenario
from loadtests.engine_shard import EngineShard, decision_wire, history, send
from models import canonical

REPEATS = 400
HISTORIES = (10, 100, 1_000, 5_000)
CATALOGS = (10, 50, 200, 1_000)
#: The same in every catalog, so that what differs is only what must be filtered out.
SURVIVORS = 10


def run() -> dict[str, Any]:
    """Median microseconds per decision, one decision per turn without its append, interleaved."""
    return asyncio.run(_run())


async def _run() -> dict[str, Any]:
    by_history = await _by_history()
    by_catalog = await _by_catalog()
    return {
        "decision_us_by_events": by_history,
        "history_ratio": by_history[HISTORIES[-1]] / by_history[HISTORIES[0]],
        "decision_us_by_actions": by_catalog,
        "catalog_ratio": by_catalog[CATALOGS[-1]] / by_catalog[CATALOGS[0]],
    }


async def _by_history() -> dict[int, float]:
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as place:
        shard = EngineShard(Path(place), scenario.catalog())
        await shard.open()
        now_ms = shard.parts.now_ms()
        for events in HISTORIES:
            await send(shard, history(f"h-{events}", events, now_ms - 1_000))
        samples: dict[int, list[float]] = {events: [] for events in HISTORIES}
        for repeat in range(REPEATS):
            for events in HISTORIES:
                samples[events].append(await _one(shard, f"h-{events}", f"{repeat}"))
        shard.close()
    return {events: statistics.median(found) for events, found in samples.items()}


async def _by_catalog() -> dict[int, float]:
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as place:
        shards = {}
        for actions in CATALOGS:
            shards[actions] = EngineShard(Path(place) / str(actions), scenario.catalog(actions, SURVIVORS))
            await shards[actions].open()
            await send(shards[actions], history("c", 50, shards[actions].parts.now_ms() - 1_000))
        samples: dict[int, list[float]] = {actions: [] for actions in CATALOGS}
        for repeat in range(REPEATS):
            for actions, shard in shards.items():
                samples[actions].append(await _one(shard, "c", f"{repeat}"))
        for shard in shards.values():
            shard.close()
    return {actions: statistics.median(found) for actions, found in samples.items()}


async def _one(shard: EngineShard, customer: str, tag: str) -> float:
    body = scenario.decision(0)
    body.update(customer_id=customer, request_id=f"{customer}-{tag}")
    body["event"]["event_id"] = f"{customer}-e-{tag}"
    batch = canonical.pack([decision_wire(body)])
    begin = time.perf_counter()
    await shard.handle(batch)
    took = time.perf_counter() - begin - shard.runner.commit_ms / 1e3
    return took * 1e6
