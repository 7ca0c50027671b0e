"""A million customers in memory, ten million on disk: memory and time to start, each in its own process, no Ray."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import psutil

from actors.logs import configure_logs
from loadtests import scenario
from loadtests.engine_shard import EngineShard, decision_wire, history_wire, send
from loadtests.population import catalog, key_of, populate
from models import canonical
from models.ids import MAIN_TENANT
from models.turn.commands import PROFILE, Command

MILLION: Final = 1_000_000
#: Memory bound of the shard that owns more than fits, and how many decisions wander over its customers.
_BOUND_BYTES: Final = 256 * 1024 * 1024
_WANDERING: Final = 40_000
_TURN: Final = 64


def run(customers: int = MILLION, on_disk: int = 10 * MILLION) -> dict[str, Any]:
    """``customers`` resident (20 features, 50 events each); ``on_disk`` of 5 events under a bound of 256 MiB."""
    figures: dict[str, Any] = {"resident_customers": customers, "disk_customers": on_disk}
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as place:
        figures |= _child("populate", place, customers, 50)
        figures |= _child("start", place, customers)
        figures |= _child("resident", place, customers)
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as place:
        made = _child("populate", place, on_disk, 5)
        figures["disk_populate_s"], figures["disk_bytes"] = made["populate_s"], _size(Path(place))
        figures |= _child("wander", place, on_disk)
    return figures


def _size(place: Path) -> int:
    return sum(file.stat().st_size for file in place.rglob("*") if file.is_file())


def _child(task: str, place: str, *numbers: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "loadtests.scale", task, place, *map(str, numbers)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    print(json.dumps({task: figures}), file=sys.stderr, flush=True)
    return figures


def rss_bytes() -> int:
    """Resident set of this process, with what was freed given back to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    size: int = psutil.Process().memory_info().rss
    return size


async def _populate(place: Path, customers: int, events: int) -> dict[str, Any]:
    begin = time.perf_counter()
    await populate(place, customers, events)
    return {"populate_s": time.perf_counter() - begin}


async def _start(place: Path, customers: int) -> dict[str, Any]:
    """From an empty process (imports done) to the first answered decision of a customer on disk."""
    begin = time.perf_counter()
    shard = EngineShard(place, catalog())
    await shard.open()
    await _decide(shard, [customers - 1])
    return {"start_s": time.perf_counter() - begin}


async def _resident(place: Path, customers: int) -> dict[str, Any]:
    """Every customer is read once, under a bound that keeps them all."""
    shard = EngineShard(place, catalog(), resident_bytes=64 * 1024**3, hot_profiles=1_000)
    await shard.open()
    empty = rss_bytes()
    for first in range(0, customers, 256):
        numbers = range(first, min(first + 256, customers))
        await send(shard, [Command(PROFILE, key_of(n), f"c-{n}", {}, tenant=MAIN_TENANT).to_wire() for n in numbers])
    full, resident = rss_bytes(), len(shard.parts.residency)
    return {"resident": resident, "resident_rss_bytes": full, "bytes_per_resident": (full - empty) / resident}


async def _wander(place: Path, customers: int) -> dict[str, Any]:
    """Decisions of random customers, an event of another with each: memory must stay where its bound puts it."""
    shard = EngineShard(place, catalog(), resident_bytes=_BOUND_BYTES)
    begin = time.perf_counter()
    await shard.open()
    start_s, now_ms = time.perf_counter() - begin, shard.parts.now_ms()
    pick, sizes = random.Random(7), []
    for turn in range(0, _WANDERING, _TURN):
        await _decide(shard, [pick.randrange(customers) for _ in range(_TURN)])
        strangers = [pick.randrange(customers) for _ in range(_TURN)]
        events = [history_wire(f"c-{n}", 10_000 + turn + at, "basket", now_ms, total=9.5)
                  for at, n in enumerate(strangers)]
        await send(shard, events)
        if turn % (_WANDERING // 10) < _TURN:
            sizes.append(rss_bytes())
    return {"disk_start_s": start_s, "disk_rss_bytes": sizes, "bound_bytes": _BOUND_BYTES}


async def _decide(shard: EngineShard, numbers: list[int]) -> None:
    wires = [decision_wire({**scenario.decision(n), "customer_id": f"c-{n}"}) for n in dict.fromkeys(numbers)]
    answers = canonical.unpack(await shard.handle(canonical.pack(wires)))
    wrong = [answer for answer in (answers if type(answers) is list else answers["r"]) if answer[0] != 200]
    if wrong:
        raise SystemExit(f"a decision was refused: {wrong[0]}")


def main() -> None:
    configure_logs("warning")
    task, place = sys.argv[1], Path(sys.argv[2])
    tasks: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
        "populate": _populate, "start": _start, "resident": _resident, "wander": _wander,
    }

    async def work() -> dict[str, Any]:
        return await tasks[task](place, *map(int, sys.argv[3:]))

    print(json.dumps(asyncio.run(work())), flush=True)


if __name__ == "__main__":
    main()
