"""What the product takes from its surroundings while a seed runs: clocks, random bytes, threads, log, compiler."""

from __future__ import annotations

import gc
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import structlog

from actors.journal import seal
from actors.shard.ticking import Ticker
from actors.shard.writer import Writer
from models import canonical
from models.catalog import check
from simulated_cluster.hub import Hub, wait

_compile = check.compile_catalog
_plans: dict[bytes, Any] = {}


def compiled_once(catalog: Any) -> Any:
    """A plan never changes: all shards of all seeds share the few there are."""
    key = canonical.pack(catalog)
    if key not in _plans:
        _plans[key] = _compile(catalog)
    return _plans[key]


@cache
def _places() -> list[tuple[Any, str]]:
    """Where modules of the product have what a seed gives them anew."""
    names = ("compile_catalog", "open_store", "configure_logs", "settle_garbage", "search_everything", "_node_id")
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith(("models.", "actors."))]
    return [(module, name) for module in modules for name in names if name in vars(module) and module is not check]


def _put(writer: Writer, job: Any) -> None:
    """``Writer._put`` with a simulated thread."""
    done, work, args = job
    writer._unfinished += 1
    done.get_loop().worker(writer).do(work, args, lambda result, error: writer._tell(done, result, error))


class _Log:
    """The product's log: shown by ``--trace``, else nowhere, for killed processes say much."""

    hub: Hub

    def __init__(self, *_: Any, **__: Any) -> None:
        """As structlog makes its loggers."""

    def bind(self, **_: Any) -> _Log:
        return self

    def __getattr__(self, level: str) -> Any:
        return lambda event="", **more: self.hub.show(f"{level}: {event}", **more)


@contextmanager
def surroundings(hub: Hub, seed: int) -> Iterator[None]:
    chance = random.Random(f"bytes of {seed}")
    fakes: dict[tuple[Any, str], Any] = {
        (time, "time_ns"): lambda: hub.wall_ms * 1_000_000, (time, "time"): lambda: hub.wall_ms / 1_000,
        (time, "perf_counter_ns"): lambda: int(hub.now * 1_000_000),
        (time, "monotonic_ns"): lambda: int(hub.now * 1_000_000), (time, "thread_time_ns"): lambda: 0,
        (time, "monotonic"): lambda: hub.now / 1_000, (time, "perf_counter"): lambda: hub.now / 1_000,
        (time, "thread_time"): lambda: 0.0,
        (time, "sleep"): lambda s: wait(hub.process, 1_000 * s) if hub.process else None,
        (os, "urandom"): chance.randbytes,
        (seal, "new_key"): lambda: chance.randbytes(32),
        (Writer, "_put"): _put, (Writer, "stop"): lambda _: None,
        (Ticker.__init__, "__defaults__"): (lambda: hub.now / 1_000,),
        (sys, "unraisablehook"): lambda _: None,
    }
    for module, name in _places():
        if name == "compile_catalog":
            fakes[module, name] = compiled_once
        elif name == "open_store":
            fakes[module, name] = lambda _: hub.open_store(hub.process)
        else:
            fakes[module, name] = lambda *_, **__: None
    before = {place: getattr(*place) for place in fakes}
    log = structlog.get_config()
    _Log.hub = hub
    structlog.configure(wrapper_class=_Log, cache_logger_on_first_use=False)
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        for (where, name), fake in fakes.items():
            setattr(where, name, fake)
        yield
    finally:
        hub.bury()
        for (where, name), real in before.items():
            setattr(where, name, real)
        structlog.configure(**log)
        if was_collecting:
            gc.enable()
