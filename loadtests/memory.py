"""Memory per resident customer (20 features, 50 events), and how soon a killed shard of 100,000 customers decides."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from actors.logs import configure_logs
from loadtests import scenario
from loadtests.engine_shard import EngineShard, decision_wire, history, send
from models import canonical

#: Filled before the first reading, so that what is there once for all is not counted.
WARM_UP = 10_000
CUSTOMERS = 20_000
EVENTS = 50
OWNED = 100_000
FEATURES = 20


def _catalog() -> dict[str, Any]:
    catalog = scenario.catalog(5, 5)
    kept = catalog["features"][:FEATURES]
    return {**catalog, "features": kept}


def run() -> dict[str, Any]:
    """Resident set before and after, in a process of its own; then kill -9 and a new process."""
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as place:
        resident = _child("resident", place + "/resident")
        with subprocess.Popen(
            [sys.executable, "-m", "loadtests.memory", "own", place + "/owned"], stdout=subprocess.PIPE, text=True,
        ) as owner:
            assert owner.stdout is not None
            assert owner.stdout.readline().strip() == "seeded"
            owner.kill()
        killed = _child("recover", place + "/owned")
    return {**resident, "owned_customers": OWNED, **killed}


def _child(task: str, place: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.memory", task, place], check=True, capture_output=True, text=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


async def _resident(place: Path) -> dict[str, Any]:
    shard = EngineShard(place, _catalog(), hot_profiles=64)
    await shard.open()
    now_ms = shard.parts.now_ms()
    sizes = []
    for first, last in ((0, WARM_UP), (WARM_UP, WARM_UP + CUSTOMERS)):
        for customer in range(first, last):
            await send(shard, history(f"c-{customer}", EVENTS, now_ms - 1_000))
        sizes.append(await _settled_bytes(shard))
    return {
        "resident_customers": CUSTOMERS, "features": FEATURES, "events": EVENTS,
        "rss_bytes_per_customer": (sizes[1] - sizes[0]) / CUSTOMERS,
        "packed_bytes_per_customer": shard.parts.residency.bytes / max(1, len(shard.parts.residency)),
    }


async def _settled_bytes(shard: EngineShard) -> int:
    """Resident set after a checkpoint, with what was freed given back to the system."""
    await shard.checkpoint()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    size: int = psutil.Process().memory_info().rss
    return size


async def _own(place: Path) -> None:
    shard = EngineShard(place, _catalog())
    await shard.open()
    now_ms = shard.parts.now_ms()
    wires = [wire for n in range(OWNED) for wire in history(f"c-{n}", 2, now_ms - 1_000)]
    await send(shard, wires, 500)
    print("seeded", flush=True)
    await asyncio.Event().wait()


async def _recover(place: Path) -> dict[str, Any]:
    begin = time.perf_counter()
    shard = EngineShard(place, _catalog())
    await shard.open()
    body = scenario.decision(0)
    body["customer_id"] = "c-77777"
    [[status, _]] = canonical.unpack(await shard.handle(canonical.pack([decision_wire(body)])))
    assert status == 200
    return {"first_decision_s": time.perf_counter() - begin, "rows_replayed": shard.parts.tail.turns}


def main() -> None:
    configure_logs("warning")
    task, place = sys.argv[1], Path(sys.argv[2])
    tasks: dict[str, Any] = {"resident": _resident, "own": _own, "recover": _recover}
    print(json.dumps(asyncio.run(tasks[task](place))), flush=True)


if __name__ == "__main__":
    main()
