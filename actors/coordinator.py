"""The ``Coordinator`` actor: the single writer of what customers share. Bytes in, bytes out (msgpack).

Its reads and settings answer ``[status, body]``; ``sync`` takes a report's wire and answers the instructions' wire
(``models.coordination.messages``). It is never on the path of a decision. A process that was fenced, or that cannot
write, leaves by ``os._exit``: Ray starts a successor, which replays the journal.
"""

from __future__ import annotations

import asyncio
import os
import traceback
from typing import Any, NoReturn

import structlog

from actors.coordination.record import CoordinatorRecord
from actors.coordination.scorers import RegisteredScorers, command_of
from actors.coordination.service import CoordinatorService, wall_ms
from actors.coordination.settings import CoordinatorSettings
from actors.coordination.shards import RayShards
from actors.logs import configure_logs
from actors.stores.interface import Store
from actors.stores.opening import open_store
from models.canonical import pack, unpack
from models.catalog.check import compile_catalog
from models.coordination.commands import Answer, SetClock
from models.coordination.core import CoordinatorCore
from models.coordination.messages import Report

_LOG = structlog.get_logger(__name__)


def _leave(error: BaseException) -> NoReturn:
    """End this process at once: exit hooks and other threads might still answer somebody."""
    _LOG.critical("the coordinator leaves", error=repr(error), trace="".join(traceback.format_exception(error)))
    os._exit(1)


class Coordinator:
    """``settings``: ``store``, ``data_dir`` and what ``CoordinatorSettings.from_plain`` reads."""

    def __init__(self, settings: dict[str, Any]) -> None:
        configure_logs(str(settings.get("log_level", "info")), process="coordinator")
        try:
            self._settings = CoordinatorSettings.from_plain(settings)
            store = open_store(settings)
            registry = store.scorers()
            self._record, self._service = _start(self._settings, store)
            self._scorers = RegisteredScorers(self._service, registry)
        except Exception as error:  # An exception in __init__ would make the actor dead for good.
            _leave(error)

    async def sync(self, report: bytes) -> bytes:
        instructions = await self._service.sync(Report.from_wire(unpack(report)))
        return pack(instructions.to_wire())

    async def catalog(self, request: bytes = b"") -> bytes:
        """``{"known": versions that need not be told again}``."""
        return _packed(await self._service.catalog(unpack(request)["known"] if request else ()))

    async def publish_catalog(self, request: bytes) -> bytes:
        """``{"catalog": validated plain data, "if_match": version | None}``."""
        asked = unpack(request)
        plan = await asyncio.to_thread(compile_catalog, asked["catalog"])
        return _packed(await self._scorers.publish(plan, asked.get("if_match")))

    async def budgets(self) -> bytes:
        return _packed(await self._service.budgets())

    async def set_cap(self, request: bytes) -> bytes:
        """``{"budget": id, "cap": units}``."""
        asked = unpack(request)
        return _packed(await self._service.set_cap(asked["budget"], asked["cap"]))

    async def scorers(self) -> bytes:
        await self._scorers.register_found()
        return _packed(await self._service.scorers())

    async def register_scorer(self, request: bytes) -> bytes:
        """``{"version", "manifest"}``; its files must lie in the registry already."""
        asked = unpack(request)
        return _packed(await self._service.register_scorer(asked["version"], asked["manifest"]))

    async def change_roles(self, request: bytes) -> bytes:
        """See ``actors.coordination.scorers.command_of``."""
        return _packed(await self._scorers.change(command_of(unpack(request))))

    async def experiments(self) -> bytes:
        return _packed(await self._service.experiments())

    async def experiment(self, request: bytes) -> bytes:
        """``{"id"}``."""
        return _packed(await self._service.experiment(unpack(request)["id"]))

    async def clock(self) -> bytes:
        return _packed(await self._service.clock())

    async def set_clock(self, request: bytes) -> bytes:
        """``{"time_ms"}``."""
        return _packed(await self._service.set_clock(unpack(request)["time_ms"]))

    async def status(self) -> bytes:
        return _packed(await self._service.status())

    async def figures(self) -> bytes:
        """For the metrics: ``actors.metrics.told``."""
        return _packed(await self._service.figures())

    async def journal(self, after: int, limit: int) -> bytes:
        """Rows ``[seq, epoch, batch id, payload]`` after a sequence."""
        return pack(await self._record.rows(after, limit))

    async def ping(self) -> bytes:
        return pack({"pid": os.getpid(), "epoch": self._service.core.epoch})

    async def drain(self) -> bytes:
        """Everything handed over is durable and the journal is closed; the process may be ended."""
        await self._record.close()
        return pack({"drained": True})


def _start(settings: CoordinatorSettings, store: Store) -> tuple[CoordinatorRecord, CoordinatorService]:
    """Take the journal over, replay it, and set a manual clock to where it must stand at least."""
    core = CoordinatorCore(settings.shards, compile_catalog, manual_clock=settings.manual_clock)
    record = CoordinatorRecord.open(store)
    record.recover(core)
    if settings.manual_clock and settings.clock_ms > core.state.clock_ms:
        record.write_at_start(core.handle(SetClock(settings.clock_ms), wall_ms()).facts, wall_ms())
    _LOG.info("coordinator recovered", epoch=core.epoch, seq=record.journal.last_seq, shards=settings.shards)
    return record, CoordinatorService(core, record, RayShards(), _leave)


def _packed(answer: Answer) -> bytes:
    return pack([answer.status, answer.body])
