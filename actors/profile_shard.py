"""``ProfileShard``: the single writer of its customers, as an actor. It only wires the pieces of ``actors.shard``.

Every call takes and returns bytes. Batches come over a link (see ``actors.link``), which costs a fraction of an actor
call; what is rare or slow is an actor call. The class is plain; who launches it makes it an actor (named, detached,
restarted for ever, its tasks never retried). ``__init__`` never raises for what may pass: the work of starting is done
by a task, and calls wait for it. What must not go on, as the store says, ends the process at once, with an answer to
nobody.

An incarnation is *starting* (replaying, see ``actors.shard.succession``), *standby*, *serving* or *released*, and only
while it serves does it do anything for anybody. A move is ``release`` here, ``serve`` there. Both are safe to repeat
and to leave half done, for the epoch alone decides whose word counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NoReturn

import ray
import structlog

from actors.link.address import Address
from actors.link.handshake import link_key
from actors.link.server import LinkServer
from actors.logs import configure_logs, identify
from actors.naming import SHARD_HANDLE, shard_purpose
from actors.scoring.interface import Scorer
from actors.shard.admission import Admission
from actors.shard.batch import opened
from actors.shard.duty import Duty
from actors.shard.export import base_page, live_journal_page
from actors.shard.figures import NOT_SERVING, figures
from actors.shard.garbage import settle_garbage
from actors.shard.neighbours import CoordinatorHandle, find_scorer
from actors.shard.reads import Reads
from actors.shard.refreshing import Refresher
from actors.shard.restarts import Restarts
from actors.shard.retiring import exit_actor, leave, retire
from actors.shard.scorer_client import ScorerClient
from actors.shard.settings import ShardSettings
from actors.shard.shadowing import Shadowing
from actors.shard.snapshots import snapshots
from actors.shard.standing import RELEASED, as_owner, before_owning
from actors.shard.succession import STANDBY, Owned, Succession
from actors.shard.sync import CallCoordinator, Sync
from actors.shard.turn_loop import TurnLoop
from actors.shard.turning import OpenTrace, TurnRunner
from actors.shard.watching import Watcher
from actors.stores.interface import Store
from actors.stores.opening import open_store
from actors.tracing.opening import open_tracer
from models import limits
from models.canonical import pack, unpack
from models.coordination.messages import Instructions
from models.errors import Fenced, JournalFailed, KairosError, NotServing, Superseded
from models.turn.commands import BESIDE, Command, Reply
from models.turn.results import TurnResult

log = structlog.get_logger(__name__)


class ProfileShard:
    def __init__(
        self, settings: dict[str, Any], *, scorer: Scorer | None = None,
        call_coordinator: CallCoordinator | None = None, die: Callable[[str], NoReturn] = leave,
        secret: bytes | None = None, retire: Callable[[str], None] = retire, store: Store | None = None,
    ) -> None:
        """``settings``: see ``ShardSettings`` and ``open_store``. The neighbours are found by name, the secret of
        customer keys in the store, unless given. ``die`` ends the process, ``retire`` the actor for good."""
        self._settings = ShardSettings.from_plain(settings)
        who: dict[str, Any] = {"shard": self._settings.shard, "incarnation": self._settings.incarnation}
        configure_logs(str(settings.get("log_level", "INFO")), process="shard", **who)
        self._tracer = open_tracer(settings, kind="shard", **who)
        self._die = die
        self._retire = retire
        self._store = store or open_store(settings)
        self._succession = Succession(self._settings, self._store, self._seek_scorer)
        self._given_scorer = scorer
        #: None until this owns the journal, or stands by.
        self._scorer: ScorerClient | None = None
        self._given_secret = secret
        self._call_coordinator = call_coordinator or CoordinatorHandle().call
        self._tasks: set[asyncio.Task[Any]] = set()
        self._starting: asyncio.Task[None] | None = None
        self._started_ms = 0.0
        self._restarts = Restarts()
        #: None until the journal is owned.
        self._duty: Duty | None = None
        self._link: LinkServer | None = None
        self._address: Address | None = None
        #: Set while batches are taken.
        self._listens = asyncio.Event()
        with contextlib.suppress(RuntimeError):
            # Ray makes an asynchronous actor inside its loop; without a loop the first call begins.
            self._begin()

    async def handle(self, batch: bytes) -> bytes:
        """Msgpack list of command wires -> ``{"r": [reply wires], "t": {"shard", "score", "commit": ms}}``. With
        traces: see ``actors.gateway.batching``."""
        if not self._is_serving:
            await self._ready()
        started = time.perf_counter()
        commands, traces = opened(unpack(batch))
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
        reads = [command for command in commands if command.kind in BESIDE]
        if not reads:
            return await self._loop.submit(commands, traces)
        done = self._loop.submit([command for command in commands if command.kind not in BESIDE])
        all_turned, all_found = await asyncio.gather(done, asyncio.gather(*map(self._reads.answer, reads)))
        found, turned = iter(all_found), iter(all_turned)
        return [next(found if command.kind in BESIDE else turned) for command in commands]

    async def address(self, wait_ms: int = 0) -> bytes:
        """Where batches are taken, as ``actors.link.address.Address``; b"" unless the shard serves. That it does not is
        held back for ``wait_ms``, and where as soon as it does is told then."""
        self._begin()
        if wait_ms and not self._listens.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_ms / 1_000):
                    await self._listens.wait()
        return self._address.to_wire() if self._address is not None and self._listens.is_set() else b""

    async def serve(self) -> bytes:
        """Own the journal and serve, once all of it is replayed: ``{"seq", "epoch"}``. Repeating it changes nothing.
        Raises NotServing when a later incarnation has the journal."""
        self._succession.ask()
        await asyncio.shield(self._begin())
        if self._duty is not None:
            await self._duty.resume()
        self._must_serve()
        return self._stand()

    async def release(self) -> bytes:
        """Make way for another incarnation: finish the turn in hand, refuse all else with NotServing, append nothing
        more. Answers ``{"seq", "epoch"}``, the epoch 0 if it does not own the journal. After ``limits.RELEASE_MS_MAX``
        it serves again, if it has not been fenced."""
        if self._duty is not None:
            await self._watcher.save()  # now, while it serves: nobody waits for a disk then
            await self._duty.release()
        return self._stand()

    async def resume(self) -> bytes:
        """Serve again after ``release``, if no other incarnation has taken over. Answers as ``release``."""
        if self._duty is not None:
            await self._duty.resume()
        return self._stand()

    def _stand(self) -> bytes:
        epoch = self._parts.store.journal.epoch if self._duty is not None else 0
        return pack({"seq": self._seq, "epoch": epoch})

    @property
    def _seq(self) -> int:
        return self._succession.seq if self._duty is None else self._parts.core.state.seq

    async def exit_for_good(self) -> None:
        """End this actor so that Ray does not start it again: for ``retire`` alone."""
        exit_actor()

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
        """The coordinator has news: report to it at once. Raises NotServing, as does every call that needs a shard that
        serves."""
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
        await self._ready_and_owner()
        return await live_journal_page(self._parts.store, self._parts.writer, after, limit)

    async def feed(self, after: int, limit: int, wait_ms: int = 0) -> bytes:
        """The newest rows, see ``actors.shard.feed``."""
        await self._ready()
        return await self._parts.feed.page(self._parts.store, self._parts.writer, self._seq, after, limit, wait_ms)

    async def snapshots(self, asked: bytes) -> bytes:
        """Customers as they are, and what they are decided by, see ``actors.shard.snapshots``."""
        await self._ready_and_owner()
        return await snapshots(self._parts, self._admission.refusals, asked)

    async def base(self, after: bytes = b"", limit: int = limits.JOURNAL_PAGE_ROWS_MAX) -> bytes:
        """A page of the profiles from which a truncated journal begins, see ``actors.shard.export``."""
        await self._ready_and_owner()
        return pack(await self._parts.writer(base_page, self._parts.store, after, limit))

    async def drain(self) -> bytes:
        """Take nothing new, finish what waits, write a checkpoint; the process may be ended when this answers. One that
        does not serve has nothing to write."""
        if not self._is_serving:
            return pack({"seq": self._seq})
        await self._loop.drain()
        await self._watcher.save()
        return pack({"seq": self._parts.store.journal.last_seq})

    async def status(self) -> bytes:
        """What ``GET /v1/status`` and the metrics show of this shard."""
        self._begin()
        restarts = {"restarts": self._restarts.told()}
        if self._duty is None:
            return pack({**before_owning(self._settings, self._succession), **restarts})
        return pack(as_owner(self._parts, self._duty.is_serving, {
            **self._loop.view(), **restarts, "degraded": self._is_degraded, "coordinator": self._sync.is_in_touch,
            "recovery_ms": round(self._started_ms), "ready": self._sync.is_ready,
        }))

    async def figures(self) -> bytes:
        """What the metrics show of this shard: ``actors.metrics.told``."""
        if not self._is_serving:
            self._begin()
            return pack(NOT_SERVING)
        seen = self._watcher.seen()
        return pack(figures(self._parts, self._loop.view(), self._is_degraded, self._started_ms / 1_000, seen))

    async def monitor(self) -> bytes:
        """What this shard has seen of the scorers: ``models.monitoring.seen.Seen``."""
        await self._ready()
        return pack(self._watcher.seen().to_wire())

    @property
    def _is_degraded(self) -> bool:
        return self._scorer is None or self._scorer.open

    @property
    def _is_serving(self) -> bool:
        return self._duty is not None and self._duty.is_serving

    async def _ready(self) -> None:
        """Every call waits while the shard starts. Raises NotServing when it stands by, was released or superseded."""
        if self._duty is None and not self._settings.standby:
            await asyncio.shield(self._begin())
        self._must_serve()

    def _must_serve(self) -> None:
        if not self._is_serving:
            state = self._succession.state if self._duty is None else RELEASED
            raise NotServing(f"shard {self._settings.shard}.{self._settings.incarnation} is {state}")

    async def _still_owns(self) -> bool:
        """Ask the store. A zombie answers nobody: it ends here, or is about to leave when this says False."""
        journal = self._parts.store.journal
        try:
            await self._parts.writer(journal.confirm)
        except Fenced as error:
            if await self._parts.writer(journal.incarnation) <= self._settings.incarnation:
                self._die(f"Fenced: {error}")
            if self._duty is not None:
                self._duty.end()
            self._retire(str(error))
            return False
        except JournalFailed as error:
            self._die(f"JournalFailed: {error}")
        return True

    async def _ready_and_owner(self) -> None:
        await self._ready()
        if not await self._still_owns():
            raise NotServing("a later incarnation has the journal")

    def _begin(self) -> asyncio.Task[None]:
        """Start at the first call, whichever it is."""
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start())
        return self._starting

    async def _start(self) -> None:
        started = time.monotonic()
        try:
            owned = await self._succession.run()
        except Superseded as error:
            self._retire(str(error))
            return
        except Exception as error:
            log.critical("the shard cannot start", error=type(error).__name__, detail=str(error), exc_info=True)
            self._die(f"{type(error).__name__}: {error}")
        self._wire(owned)
        self._started_ms = (time.monotonic() - started) * 1_000
        self._spawn(self._loop.run())
        self._spawn(self._sync.run())
        self._spawn(self._refresher.run())
        self._spawn(self._watcher.run())
        self._spawn(self._shadowing.run())
        self._sync.poke()
        if self._settings.link_host is not None:
            self._link = LinkServer(self._linked, link_key(owned.secret), shard_purpose(self._settings.shard))
            self._address = await self._link.start(self._settings.link_host or ray.util.get_node_ip_address())
        self._duty = Duty(self._loop, self._link, self._listens, self._still_owns, self._spawn)
        if self._succession.state != STANDBY:  # else it did so before anybody waited for it
            settle_garbage()

    def _wire(self, owned: Owned) -> None:
        """Everything that works while the journal is owned."""
        self._parts = parts = owned.parts
        shard, shards = self._settings.shard, self._settings.shards
        scorer = self._seek_scorer(owned.secret)
        self._admission = Admission(self._given_secret or owned.secret, shard, shards, parts.counters.totals)
        identify(epoch=parts.store.journal.epoch)
        self._watcher = Watcher(parts)
        self._shadowing = Shadowing(parts, scorer, self._watcher.shadowed)
        self._runner = TurnRunner(parts, scorer, self._open_trace(), self._watch)
        self._loop = TurnLoop(parts, self._runner, self._die, lambda: self._sync.poke())
        self._refresher = Refresher(parts, scorer, self._loop.submit_later)
        self._sync = Sync(parts, self._runner, self._loop, self._call_coordinator, self._die, scorer)
        self._reads = Reads(parts, scorer, self._die)

    def _watch(self, result: TurnResult) -> None:
        """A turn was answered."""
        self._watcher.see(result)
        self._shadowing.see(result)

    def _seek_scorer(self, secret: bytes) -> ScorerClient:
        """Find the scorer, once: a standby has found it when it begins to serve."""
        if self._scorer is None:
            self._scorer = ScorerClient(self._given_scorer or find_scorer(self._settings, self._store, secret))
            self._scorer.wanted = lambda: self._succession.wanted
            self._spawn(self._scorer.keep_probing())
        return self._scorer

    def _open_trace(self) -> OpenTrace | None:
        """What it imports costs memory and time: only for who wants traces."""
        if self._tracer is None:
            return None
        from actors.shard.turn_trace import trace_turn

        return partial(trace_turn, self._tracer)

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
        if self._duty is not None:
            self._duty.stop()
        if self._link is not None:
            await self._link.stop()
        tasks = [*self._tasks, *([self._starting] if self._starting is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._duty is not None:
            self._parts.writer.stop()
            self._parts.store.close()
