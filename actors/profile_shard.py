"""``ProfileShard``: the single writer of its customers, as an actor. It only wires the pieces of ``actors.shard``.

Every call takes and returns bytes. Batches come over a link (see ``actors.link``), which costs a fraction of an actor
call; what is rare or slow is an actor call. The class is plain; who launches it makes it an actor (named, detached,
restarted for ever, its tasks never retried). ``__init__`` never raises for what may pass: the work of starting is done
by a task, and calls wait for it. What must not go on, as the store says, ends the process at once, with an answer to
nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import ray
import structlog

from actors.link.handshake import link_key
from actors.link.server import LinkServer
from actors.logs import configure_logs
from actors.naming import SHARD_HANDLE, shard_purpose
from actors.scoring.interface import Scorer
from actors.shard.admission import Admission
from actors.shard.clock import DecisionClock
from actors.shard.explanations import Explainer
from actors.shard.export import base_page, live_journal_page
from actors.shard.figures import NOT_SERVING, figures
from actors.shard.garbage import settle_garbage
from actors.shard.neighbours import CoordinatorHandle, find_scorer
from actors.shard.parts import ShardParts
from actors.shard.reads import Reads
from actors.shard.recovery import recover
from actors.shard.scorer_client import ScorerClient
from actors.shard.settings import ShardSettings
from actors.shard.store import ShardStore
from actors.shard.sync import CallCoordinator, Sync
from actors.shard.turn_loop import TurnLoop
from actors.shard.turning import TurnRunner
from actors.stores.opening import open_store
from models import limits
from models.canonical import pack, unpack
from models.coordination.messages import Instructions
from models.errors import JournalLocked, KairosError
from models.turn.commands import EXPLANATION, TIMELINE, Command, Reply

log = structlog.get_logger(__name__)
_EXIT_STATUS = 70
#: Answered beside the turns.
_READS = frozenset({TIMELINE, EXPLANATION})


def leave(reason: str) -> NoReturn:
    """End the process now: no exit hook, no answer. Ray starts the actor again."""
    log.critical("leaving the process", reason=reason)
    os._exit(_EXIT_STATUS)


class ProfileShard:
    def __init__(
        self, settings: dict[str, Any], *, scorer: Scorer | None = None,
        call_coordinator: CallCoordinator | None = None, die: Callable[[str], NoReturn] = leave,
        secret: bytes | None = None,
    ) -> None:
        """``settings``: see ``ShardSettings``. The neighbours are found by name, the secret of customer keys in the
        store, unless given."""
        configure_logs(str(settings.get("log_level", "INFO")))
        self._settings = ShardSettings.from_plain(settings)
        self._die = die
        self._store = open_store(settings)
        self._given_scorer = scorer
        self._given_secret = secret
        self._call_coordinator = call_coordinator or CoordinatorHandle().call
        self._tasks: set[asyncio.Task[Any]] = set()
        self._starting: asyncio.Task[None] | None = None
        self._started_ms = 0.0
        self._is_serving = False
        self._link: LinkServer | None = None
        with contextlib.suppress(RuntimeError):
            # Ray makes an asynchronous actor inside its loop; without a loop the first call begins.
            self._begin()

    async def handle(self, batch: bytes) -> bytes:
        """Msgpack list of command wires -> ``{"r": [reply wires], "t": {"shard", "score", "commit": ms}}``. With
        traces: see ``actors.gateway.batching``."""
        if not self._is_serving:
            await self._ready()
        started = time.perf_counter()
        commands, traces = _opened(unpack(batch))
        replies = await self._answers(commands, traces)
        took_ms = (time.perf_counter() - started) * 1_000
        timing = {
            "shard": round(took_ms, 2), "score": round(self._runner.score_ms, 2),
            "commit": round(self._runner.commit_ms, 2),
        }
        return pack({"r": [reply.to_wire() for reply in replies], "t": timing})

    async def _answers(self, commands: list[Command], traces: list[str]) -> list[Reply]:
        refused = self._admission.refusals(commands)
        if not refused:
            return await self._answers_of(commands, traces)
        fit = await self._answers_of(
            [command for place, command in enumerate(commands) if place not in refused],
            [trace for place, trace in enumerate(traces) if place not in refused],
        )
        answered = iter(fit)
        return [refused[place] if place in refused else next(answered) for place in range(len(commands))]

    async def _answers_of(self, commands: list[Command], traces: list[str]) -> list[Reply]:
        reads = [command for command in commands if command.kind in _READS]
        if not reads:
            return await self._loop.submit(commands, traces)
        done = self._loop.submit([command for command in commands if command.kind not in _READS])
        found = iter(await asyncio.gather(*map(self._reads.answer, reads)))
        turned = iter(await done)
        return [next(found if command.kind in _READS else turned) for command in commands]

    async def address(self) -> bytes:
        """Where batches are taken, as ``actors.link.address.Address``; told once the shard serves."""
        await self._ready()
        return self._address.to_wire()

    async def _linked(self, method: str, payload: bytes) -> bytes:
        """What comes over the link."""
        if method != SHARD_HANDLE:
            raise KairosError(f"a shard takes no {method!r} over its link")
        return await self.handle(payload)

    async def ping(self) -> bytes:
        """Alive; says nothing about the shard's state."""
        self._begin()
        return b"pong"

    async def poke(self) -> None:
        """The coordinator has news: report to it at once."""
        await self._ready()
        self._sync.poke()

    async def advance(self, instructions: bytes) -> bytes:
        """Adopt packed ``Instructions`` (a new manual clock and what goes with it); answers when every timer due by
        then has fired: ``{"now_ms"}``."""
        await self._ready()
        await self._sync.follow(Instructions.from_wire(unpack(instructions)))
        await self._loop.timers_fired()
        self._sync.poke()
        return pack({"now_ms": self._parts.now_ms()})

    async def journal(self, after: int = 0, limit: int = limits.JOURNAL_PAGE_ROWS_MAX) -> bytes:
        """A page of the journal for tools, see ``actors.shard.export``."""
        await self._ready()
        return await live_journal_page(self._parts.store, self._parts.writer, after, limit)

    async def base(self, after: bytes = b"", limit: int = limits.JOURNAL_PAGE_ROWS_MAX) -> bytes:
        """A page of the profiles from which a truncated journal begins, see ``actors.shard.export``."""
        await self._ready()
        return pack(await self._parts.writer(base_page, self._parts.store, after, limit))

    async def drain(self) -> bytes:
        """Take nothing new, finish what waits, write a checkpoint; the process may be ended when this answers."""
        await self._ready()
        await self._loop.drain()
        return pack({"seq": self._parts.store.journal.last_seq})

    async def status(self) -> bytes:
        """What ``GET /v1/status`` and the metrics show of this shard."""
        settings = self._settings
        if not self._begin().done():
            return pack({"shard": settings.shard, "state": "starting"})
        parts, state = self._parts, self._parts.core.state
        return pack({
            "shard": settings.shard, "state": "serving" if state.plan is not None else "no_catalog",
            "epoch": parts.store.journal.epoch, "seq": state.seq, "now_ms": parts.now_ms(), **self._loop.view(),
            "customers_resident": len(parts.residency), "customers_hot": parts.residency.hot,
            "resident_bytes": parts.residency.bytes, "catalog_version": state.catalog_version,
            "evidence_version": state.evidence.version, "scorer_version": state.active_scorer,
            "degraded": self._scorer.open, "coordinator": self._sync.is_in_touch,
            "recovery_ms": round(self._started_ms), "ready": self._sync.is_ready, **parts.counters.view(),
        })

    async def figures(self) -> bytes:
        """What the metrics show of this shard: ``actors.metrics.told``."""
        if not self._is_serving:
            self._begin()
            return pack(NOT_SERVING)
        return pack(figures(self._parts, self._loop.view(), self._scorer.open, self._started_ms / 1_000))

    async def _ready(self) -> None:
        """Every call waits until the shard serves."""
        await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[None]:
        """Start at the first call, whichever it is."""
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start())
        return self._starting

    async def _start(self) -> None:
        started = time.monotonic()
        try:
            store = await self._open()
            self._scorer = ScorerClient(self._given_scorer or find_scorer(self._settings, self._store))
            self._parts = parts = ShardParts(self._settings, store, DecisionClock(self._settings))
            secret = self._given_secret or await parts.writer(self._store.secret)
            shard, shards = self._settings.shard, self._settings.shards
            self._admission = Admission(secret, shard, shards, parts.counters.totals)
            await parts.writer(recover, parts, f"{socket.gethostname()}:{os.getpid()}")
        except Exception as error:
            log.critical("the shard cannot start", error=type(error).__name__, detail=str(error), exc_info=True)
            self._die(f"{type(error).__name__}: {error}")
        self._runner = TurnRunner(parts, self._scorer)
        self._loop = TurnLoop(parts, self._runner, self._die, lambda: self._sync.poke())
        self._sync = Sync(parts, self._runner, self._loop, self._call_coordinator, self._die)
        self._reads = Reads(parts, Explainer(parts, self._scorer), self._die)
        self._started_ms = (time.monotonic() - started) * 1_000
        self._spawn(self._loop.run())
        self._spawn(self._sync.run())
        self._spawn(self._scorer.keep_probing())
        self._sync.poke()
        self._is_serving = True
        if self._settings.link_host is not None:
            key = link_key(self._store.secret())
            self._link = LinkServer(self._linked, key, shard_purpose(self._settings.shard))
            self._address = await self._link.start(self._settings.link_host or ray.util.get_node_ip_address())
        settle_garbage()

    async def _open(self) -> ShardStore:
        """The files, as soon as an earlier process has let go of them. Opened here: one thread at a time uses them."""
        while True:
            try:
                return self._store.shard_store(self._settings.shard)
            except JournalLocked as error:
                log.warning("the journal is still held", detail=str(error))
                await asyncio.sleep(limits.LOCK_RETRY_MS / 1_000)

    def _spawn(self, work: Awaitable[None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.critical("a task of the shard failed", error=type(error).__name__, exc_info=True)
                self._die(f"{type(error).__name__}: {error}")

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End the tasks and close the files, without a checkpoint: for whoever runs a shard inside its own process."""
        if self._link is not None:
            await self._link.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._parts.writer.stop()
        self._parts.store.close()


def _opened(asked: Any) -> tuple[list[Command], list[str]]:
    """The commands of a batch and, when any of them is traced, the traceparent of each ("" for none)."""
    if type(asked) is list:
        return [Command.from_wire(wire) for wire in asked], []
    commands = [Command.from_wire(wire) for wire in asked["c"]]
    traces = [""] * len(commands)
    for place, size, traceparent in asked["t"]:
        traces[place:place + size] = [traceparent] * size
    return commands, traces
