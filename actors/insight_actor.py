"""The ``Insight`` actor: counts what the shards' journals say, and tells it. Bytes in, bytes out (msgpack).

Nothing depends on it: without it, decisions are made as before, and what it tells is not there until it is back. It
starts from its newest snapshot and reads on; what it has counted and how far it has read are one value. A process that
was fenced leaves by ``os._exit``: Ray starts a successor.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NoReturn

import structlog

from actors.directory import Directory
from actors.insight.consoles import Consoles
from actors.insight.counting import Counting
from actors.insight.figures import figures
from actors.insight.record import SnapshotRecord
from actors.insight.tailing import CallShard, Tailing, monotonic_ms
from actors.insight.telling import Telling
from actors.insight.what_if import WhatIf
from actors.insight.what_if_scorers import registered
from actors.logs import configure_logs
from actors.priority import give_way
from actors.stores.interface import Store
from actors.stores.opening import open_store
from models import limits
from models.canonical import pack, unpack
from models.errors import BadInput, DiskFull, Fenced, JournalFailed, NotServing, StoreAway
from models.insight.snapshot import Snapshot

log = structlog.get_logger(__name__)
#: Everything that answers somebody has precedence.
_NICENESS = 5


def _leave(error: BaseException) -> NoReturn:
    log.critical("Insight leaves", error=type(error).__name__, detail=str(error), exc_info=error)
    os._exit(1)


class Insight:
    def __init__(
        self, settings: dict[str, Any], *, call: CallShard | None = None, store: Store | None = None,
    ) -> None:
        """``settings``: ``store``, ``data_dir``, ``shards``. ``call``: of shards, see ``actors.insight.tailing``."""
        configure_logs(str(settings.get("log_level", "info")), process="insight")
        self._shards = int(settings["shards"])
        self._store = store or open_store(settings)
        self._given_call = call
        #: None until the snapshot is read.
        self._counting: Counting | None = None
        self._tailing: Tailing | None = None
        self._telling: Telling | None = None
        self._trying: WhatIf | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._starting: asyncio.Task[None] | None = None
        self._record: SnapshotRecord | None = None
        self._written: int | None = None
        self._kept_ms = monotonic_ms()
        self._consoles = Consoles()
        self._writing = asyncio.Lock()
        if call is None:
            give_way(_NICENESS)
        with contextlib.suppress(RuntimeError):
            # Ray makes an asynchronous actor inside its loop; without a loop the first call begins.
            self._begin()

    async def live(self, body: bytes = b"") -> bytes:
        """The body of ``GET /v1/live``. Asked with ``{"tag": of a tenant or None, "known": version or None}``: recent
        decisions of that tenant's customers alone (``models.ids.tenant_tag``), and only ``version``, ``age_ms`` and
        ``fresh_ms`` (see ``Telling.live``) where the version is known already. Raises NotServing while it starts."""
        asked = unpack(body) if body else {}
        told = self._tells.live(asked.get("tag"))
        if asked.get("known") == told["version"]:
            return pack({name: told[name] for name in ("version", "age_ms", "fresh_ms")})
        return pack(told)

    async def funnel(self, body: bytes) -> bytes:
        """``{"window", "channel": id or None, "action": id or None, "known": version or None}`` -> ``[status, body]``:
        200 with that of ``GET /v1/funnel`` and ``fresh_ms`` (with ``version`` alone where it is known), or 422 with
        ``detail`` and ``errors``. Raises NotServing while it starts."""
        asked = unpack(body)
        try:
            told = self._tells.funnel(asked.get("window", "hour"), asked.get("channel"), asked.get("action"))
        except BadInput as error:
            return pack([422, {"detail": error.detail, "errors": error.errors}])
        if asked.get("known") == told["version"]:
            return pack([200, {name: told[name] for name in ("version", "fresh_ms")}])
        return pack([200, told])

    async def requests(self, body: bytes) -> bytes:
        """``{"tag", "channel": id or None, "size"}`` -> ``[[customer key, request as it was logged], ...]``: the newest
        that were seen, newest first. Raises NotServing while it starts."""
        asked = unpack(body)
        found = self._counted.recent.requests(asked.get("tag"), asked.get("channel"), int(asked["size"]))
        return pack([[customer, request] for customer, request in found])

    async def what_if(self, body: bytes) -> bytes:
        """Who would get something else under another catalog, see ``actors.insight.what_if``. Raises NotServing while
        it starts."""
        self._begin()
        if self._trying is None:
            raise NotServing("Insight reads its snapshot; it tries catalogs shortly")
        return await self._trying.what_if(body)

    async def latencies(self, replica: str, body: bytes) -> None:
        """A gateway's ``[counts, counts at its report before]``, see ``models.insight.latency``."""
        counts, before = unpack(body)
        self._counted.meters.latencies.report(replica, counts, before, monotonic_ms())

    async def console(self, replica: str, body: bytes) -> None:
        """A console's figures (``actors.metrics.of_console``), which it tells every few seconds."""
        self._consoles.tell(replica, unpack(body), monotonic_ms())

    async def figures(self) -> bytes:
        """Its own (``actors.metrics.of_insight``), and under ``consoles`` by replica what consoles told of themselves.
        Raises NotServing while it starts."""
        telling, trying, record = self._tells, self._trying, self._record
        if trying is None or record is None:
            raise NotServing("Insight reads its snapshot; it tells shortly")
        now_ms = monotonic_ms()
        kept_s = (now_ms - self._kept_ms) / limits.SECOND_MS
        own = figures(self._counted, telling, trying, kept_s, record.size, now_ms)
        return pack({**own, "consoles": self._consoles.told(now_ms)})

    async def ping(self) -> bytes:
        """How far it is: ``{"pid", "epoch", "behind_rows", "seq": rows that are counted}``."""
        counting = self._counting
        standings = counting.standings.values() if counting is not None else ()
        return pack({
            "pid": os.getpid(), "epoch": self._record.epoch if self._record is not None else 0,
            "behind_rows": sum(one.newest - one.seq for one in standings), "seq": sum(one.seq for one in standings),
        })

    async def drain(self) -> bytes:
        """Read to the end, keep what was counted, close the journal; the process may be ended."""
        tailing, record = self._tailing, self._record
        if tailing is None or record is None:
            return pack({"drained": False})
        await self._end_tasks()
        await asyncio.gather(*(tailing.finish(shard) for shard in range(self._shards)), return_exceptions=True)
        kept = await self._keep()
        await asyncio.to_thread(record.close)
        return pack({"drained": kept})

    async def stop(self) -> None:
        """End the tasks and close the journal, and keep nothing: for whoever runs it inside its own process."""
        await self._end_tasks()
        if self._record is not None:
            await asyncio.to_thread(self._record.close)

    @property
    def _counted(self) -> Counting:
        self._begin()
        if self._counting is None:
            raise NotServing("Insight reads its snapshot; it tells shortly")
        return self._counting

    @property
    def _tells(self) -> Telling:
        if self._telling is None:
            self._telling = Telling(self._counted)
        return self._telling

    def _begin(self) -> None:
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._guarded(self._start))

    async def _start(self) -> None:
        self._record = await asyncio.to_thread(SnapshotRecord.open, self._store)
        snapshot = await asyncio.to_thread(self._record.newest)
        self._counting = counting = Counting(snapshot or Snapshot(self._shards), self._shards)
        log.info("Insight reads on", seq=sum(one.counted for one in counting.standings.values()), shards=self._shards)
        call = self._given_call or Directory().call
        self._trying = WhatIf(call, self._shards, registered(self._store), counting.recent.requests)
        self._tailing = tailing = Tailing(counting, call)
        loop = asyncio.get_running_loop()
        tails: list[Callable[[], Awaitable[None]]] = [partial(tailing.run, shard) for shard in range(self._shards)]
        for work in [*tails, self._keep_keeping]:
            self._tasks.append(loop.create_task(self._guarded(work)))

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            _leave(error)

    async def _keep_keeping(self) -> None:
        erased = self._counted.erased
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(erased.wait(), limits.INSIGHT_SNAPSHOT_MS / limits.SECOND_MS)
                await asyncio.sleep(limits.INSIGHT_ERASED_SNAPSHOT_MS / limits.SECOND_MS)
            erased.clear()
            await self._keep()

    async def _keep(self) -> bool:
        """Write a snapshot if there is anything new. Raises ``Fenced``; what else fails is tried again next time."""
        counting, record = self._counted, self._record
        assert record is not None
        async with self._writing:
            changes = counting.changes
            begun_ms = monotonic_ms()
            if changes == self._written:
                self._kept_ms = begun_ms
                return True
            packed, at_ms = counting.snapshot.pack(), counting.snapshot.history.newest_ms
            try:
                await asyncio.to_thread(record.write, packed, at_ms)
            except Fenced:
                raise
            except (DiskFull, JournalFailed, StoreAway) as error:
                log.warning("what was counted could not be kept; it is tried again", error=type(error).__name__)
                return False
            self._written, self._kept_ms = changes, begun_ms
            return True

    async def _end_tasks(self) -> None:
        tasks = [*self._tasks, *([self._starting] if self._starting is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
