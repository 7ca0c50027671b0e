"""Reads that need the journal: timelines, past decisions and customers as they were, answered beside the turns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import structlog

from actors.shard.deciding_then import DecidingThen
from actors.shard.explanations import Explainer
from actors.shard.parts import ShardParts
from actors.shard.past import NoSuchCustomerError, NoSuchDecisionError, Past, TruncatedError
from actors.shard.scorer_client import ScorerClient
from actors.shard.shard_past import ShardPast
from actors.shard.timeline import parse_before, timeline
from actors.shard.turning import refusal
from models import canonical, limits
from models.errors import BadInput, Fenced, JournalFailed
from models.turn import refusals
from models.turn.commands import (
    EXPLAIN_PAST,
    EXPLANATION,
    PAST_DECISION,
    RERUN,
    STANDING,
    TIMELINE,
    Command,
    Reply,
)
from models.turn.past import AsOf, standing_view
from models.turn.recalled import recalled

log = structlog.get_logger(__name__)
_Work = Callable[[Command], Awaitable[Reply]]


class Reads:
    def __init__(self, parts: ShardParts, scorer: ScorerClient, die: Callable[[str], NoReturn]) -> None:
        self._parts = parts
        shard = ShardPast(parts)
        self._past = Past(parts, shard)
        self._explainer = Explainer(parts, scorer, shard, self._past)
        self._then = DecidingThen(parts, scorer, shard, self._past)
        self._die = die
        self._works: dict[str, _Work] = {
            TIMELINE: _packed(self._timeline), EXPLANATION: _packed(self._explanation),
            PAST_DECISION: _packed(self._decision), RERUN: _packed(self._rerun), STANDING: _packed(self._standing),
            EXPLAIN_PAST: self._then.explain,
        }

    async def answer(self, command: Command) -> Reply:
        """The reply to a command of ``commands.BESIDE``. The epoch is confirmed first: a zombie answers no reads."""
        try:
            await self._parts.writer(self._parts.store.journal.confirm)
            return await self._or_refused(command)
        except (Fenced, JournalFailed) as error:
            self._die(f"{type(error).__name__}: {error}")
        except Exception as error:
            log.error("a read failed", kind=command.kind, error=type(error).__name__, exc_info=True)
            return refusal(command, 500, "internal error", "the read could not be answered")

    async def _or_refused(self, command: Command) -> Reply:
        try:
            return await self._works[command.kind](command)
        except BadInput as error:
            return refusals.as_reply(refusals.wrong_field(error.detail, error.errors, command.request_id))
        except NoSuchCustomerError as error:
            return refusal(command, 404, "no such customer", str(error))
        except NoSuchDecisionError as error:
            return refusal(command, 404, "no such decision", str(error))
        except TruncatedError as error:
            return refusal(command, 410, "gone", str(error))

    async def _timeline(self, command: Command) -> dict[str, Any]:
        limit = min(int(command.body.get("limit") or limits.TIMELINE_ITEMS_MAX), limits.TIMELINE_ITEMS_MAX)
        before = parse_before(command.body.get("before"))
        present = await self._past.present(command.customer)
        return await timeline(self._parts, command.customer, present.generation, limit, before)

    async def _explanation(self, command: Command) -> dict[str, Any]:
        return await self._explainer.explain(command.customer, str(command.body["decision_id"]))

    async def _rerun(self, command: Command) -> dict[str, Any]:
        return (await self._explainer.rerun(command.customer, str(command.body["decision_id"]))).told()

    async def _decision(self, command: Command) -> dict[str, Any]:
        found = await self._past.decision(command.customer, str(command.body["decision_id"]))
        return recalled(found.fact, found.now_ms)

    async def _standing(self, command: Command) -> dict[str, Any]:
        as_of = command.body["as_of"]
        if as_of is None:
            moment = await self._past.now(command.customer)
        else:
            moment = await self._past.moment(command.customer, AsOf.from_wire(as_of))
        view = standing_view(moment, bool(command.body["policies"]))
        return view if as_of is None else {**view, "as_of": moment.view()}


def _packed(work: Callable[[Command], Awaitable[Any]]) -> _Work:
    async def answer(command: Command) -> Reply:
        return Reply(200, canonical.pack(await work(command)))

    return answer
