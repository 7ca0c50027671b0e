"""The service times that the simulation runs on: CPU seconds, measured in this process, one after the other.

What only a whole installation shows (the gateway's and HAProxy's part of a request) is read from
``loadtests/results/figures.json``, where ``make bench ARGS=http`` put it on the same kind of machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from actors import naming
from actors.journal.interface import Journal
from actors.link.client import Link
from actors.link.server import LinkServer
from actors.stores.opening import open_store
from loadtests import scenario
from loadtests.engine_shard import EngineShard, decision_wire, history, send
from loadtests.trees import booster
from models import canonical, limits
from models.budgets.escrow import Position
from models.catalog.check import compile_catalog
from models.coordination.commands import PublishCatalog, Sync
from models.coordination.core import CoordinatorCore
from models.coordination.messages import Count, Report

RESULTS: Final = Path(__file__).parents[1] / "results" / "figures.json"
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64)
_ROUNDS: Final = 12
_CALLS: Final = 2_000
_APPENDS: Final = 600
_ROW_BYTES: Final = 700
_KEY: Final = b"k" * 32
_SHARDS: Final = 64


@dataclass(frozen=True, slots=True)
class ServiceTimes:
    """Microseconds of CPU, but for ``append_wait_us``, which is time on the clock."""

    #: Gateway, HAProxy and what Ray does beside, per request, without the call to a shard.
    request_us: float
    #: Each side of a link, per call whatever its size.
    call_us: float
    #: A turn: once, and per decision in it.
    turn_us: float
    decision_us: float
    #: The store's server: CPU of one append and of each byte in it, and what the shard waits for the disk.
    append_us: float
    append_byte_us: float
    append_wait_us: float
    #: Bytes that a decision adds to its turn's row.
    decision_bytes: float
    #: The coordinator, per report of a shard.
    report_us: float
    store: str


def measure(store: str, say: Callable[[str], None]) -> ServiceTimes:
    """``store``: "sqlite", or a postgresql:// URL of an empty database on this machine."""
    say("turns of 1 to 64 decisions")
    turn_us, decision_us, decision_bytes = asyncio.run(_turns())
    say("calls over a link")
    call_us = asyncio.run(_calls())
    say("appends")
    append_us, byte_us, wait_us = _appends(store)
    say("reports to the coordinator")
    return ServiceTimes(
        _request_us(call_us), call_us, turn_us, decision_us, append_us, byte_us, wait_us, decision_bytes,
        _report_us(), store.partition(":")[0],
    )


async def _turns() -> tuple[float, float, float]:
    """(once, per decision, bytes per decision): a line through the medians by size."""
    with tempfile.TemporaryDirectory(prefix="kairos-scale-") as place:
        shard = EngineShard(Path(place), scenario.catalog(), booster())
        await shard.open()
        now_ms = time.time_ns() // 1_000_000
        await send(shard, [wire for c in range(200) for wire in history(f"c-{c}", 20, now_ms)])
        number, medians = 0, []
        journal = shard.parts.store.journal
        for size in _SIZES:
            spent = []
            for _ in range(_ROUNDS):
                wires = [decision_wire(scenario.decision(n, 200)) for n in range(number, number + size)]
                number += size
                began = time.process_time()
                await shard.handle(canonical.pack(wires))
                spent.append((time.process_time() - began) * 1e6)
            medians.append(statistics.median(spent))
        last = journal.row(journal.last_seq)
        shard.close()
    slope, once = statistics.linear_regression(_SIZES, medians)
    return max(0.0, once), slope, len(last.payload) / _SIZES[-1] if last else 0.0


async def _calls() -> float:
    """Half of a call's CPU: both ends live in this process."""
    async def echo(_method: str, payload: bytes) -> bytes:
        return payload

    server = LinkServer(echo, _KEY, "scale")
    address = await server.start("127.0.0.1")

    async def resolve() -> Any:
        return address

    link = Link(resolve, _KEY, "scale")
    payload = os.urandom(_ROW_BYTES)
    await link.call("echo", payload, 5.0)
    began = time.process_time()
    for _ in range(_CALLS):
        await link.call("echo", payload, 5.0)
    spent = time.process_time() - began
    await server.stop()
    return spent / _CALLS / 2 * 1e6


def _appends(store: str) -> tuple[float, float, float]:
    """(CPU of the server per append, per byte, time waited): for SQLite the server is this process."""
    with tempfile.TemporaryDirectory(prefix="kairos-scale-") as place:
        opened = open_store({"store": store, "data_dir": place})
        opened.install(1, limits.SLOTS)
        journal = opened.journal(naming.shard_owner(0))
        journal.take_over("scale")
        spent = {size: _append_many(journal, size, store) for size in (_ROW_BYTES, 32 * _ROW_BYTES)}
        journal.close()
        opened.close()
    (small, wait_us), (large, _) = spent[_ROW_BYTES], spent[32 * _ROW_BYTES]
    per_byte = max(0.0, (large - small) / (31 * _ROW_BYTES))
    return max(0.0, small - per_byte * _ROW_BYTES), per_byte, wait_us


def _append_many(journal: Journal, size: int, store: str) -> tuple[float, float]:
    servers = [] if store == "sqlite" else [one for one in psutil.process_iter() if one.name() == "postgres"]

    def cpu_s() -> float:
        if not servers:
            return time.process_time()
        return sum(sum(one.cpu_times()[:2]) for one in servers if one.is_running())

    payload = os.urandom(size)
    waits = []
    began = cpu_s()
    for _ in range(_APPENDS):
        at = time.perf_counter()
        journal.append(os.urandom(16), payload, 1)
        waits.append((time.perf_counter() - at) * 1e6)
    return (cpu_s() - began) / _APPENDS * 1e6, statistics.median(waits)


def _request_us(call_us: float) -> float:
    """The front's CPU per decision at 64 connections, less the link's part (a call carries a batch)."""
    rounds = json.loads(RESULTS.read_text())["http/serve"]["workloads"]["decisions"]
    front = [sum(one["cpu_us"].get(name, 0.0) for name in ("gateway", "haproxy", "ray itself")) for one in rounds]
    return max(0.0, statistics.median(front) - call_us / 8)


def _report_us() -> float:
    """A report of a shard that decides: its position, and what is new of twenty actions' outcomes."""
    plan = compile_catalog(scenario.catalog())
    core = CoordinatorCore(_SHARDS, compile_catalog)
    core.handle(PublishCatalog(plan, None), 1)
    began = time.process_time()
    for number in range(1, _CALLS + 1):
        counts = tuple(Count("action", f"offer_{n:04d}", number, 2 * number) for n in range(scenario.SURVIVORS))
        report = Report(
            number % _SHARDS, 1, number, plan.version, 0, None, 0, (Position("pool", "", 10_000, 0, number, 5, 0),),
            (), counts, number,
        )
        core.handle(Sync(Report.from_wire(canonical.unpack(canonical.pack(report.to_wire())))), number)
    return (time.process_time() - began) / _CALLS * 1e6
