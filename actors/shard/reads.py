"""Reads that need the journal: timelines and explanations of past decisions, answered beside the turns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import structlog

from actors.shard.explanations import Explainer, NoSuchDecisionError, TruncatedError
from actors.shard.parts import ShardParts
from actors.shard.timeline import parse_before, timeline
from actors.shard.turning import refusal
from models import canonical, limits
from models.errors import BadInput, Fenced, JournalFailed
from models.turn.commands import TIMELINE, Command, Reply

log = structlog.get_logger(__name__)


class Reads:
    def __init__(self, parts: ShardParts, explainer: Explainer, die: Callable[[str], NoReturn]) -> None:
        self._parts = parts
        self._explainer = explainer
        self._die = die

    async def answer(self, command: Command) -> Reply:
        """The reply to a TIMELINE or EXPLANATION. The epoch is confirmed first: a zombie answers no reads."""
        work = self._timeline if command.kind == TIMELINE else self._explanation
        try:
            await self._parts.writer(self._parts.store.journal.confirm)
            return Reply(200, canonical.pack(await self._or_refused(work, command)))
        except _RefusedError as refused:
            return refused.reply
        except (Fenced, JournalFailed) as error:
            self._die(f"{type(error).__name__}: {error}")
        except Exception as error:
            log.error("a read failed", kind=command.kind, error=type(error).__name__, exc_info=True)
            return refusal(command, 500, "internal error", "the read could not be answered")

    async def _or_refused(self, work: Callable[[Command], Awaitable[Any]], command: Command) -> Any:
        try:
            return await work(command)
        except BadInput as error:
            raise _RefusedError(refusal(command, 422, "invalid request", error.detail)) from error
        except NoSuchDecisionError as error:
            raise _RefusedError(refusal(command, 404, "no such decision", str(error))) from error
        except TruncatedError as error:
            raise _RefusedError(refusal(command, 410, "gone", str(error))) from error

    async def _timeline(self, command: Command) -> dict[str, Any]:
        limit = min(int(command.body.get("limit") or limits.TIMELINE_ITEMS_MAX), limits.TIMELINE_ITEMS_MAX)
        before = parse_before(command.body.get("before"))
        generation = await self._generation(command.customer)
        if not generation:
            detail = "this customer was never seen, or was erased"
            raise _RefusedError(refusal(command, 404, "no such customer", detail))
        return await timeline(self._parts, command.customer, generation, limit, before)

    async def _generation(self, customer: bytes) -> int:
        """The key generation of a customer that exists, else 0."""
        entry = self._parts.residency.get(customer)
        if entry is not None:
            return entry.generation
        loaded = await self._parts.writer(self._parts.store.load, [customer])
        return loaded.profiles[customer].generation if customer in loaded.profiles else 0

    async def _explanation(self, command: Command) -> dict[str, Any]:
        return await self._explainer.explain(command.customer, str(command.body["decision_id"]))


class _RefusedError(Exception):
    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self.reply = reply
