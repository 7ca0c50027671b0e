"""A dry run in the past: a decision request on the customer, catalog, evidence and roles of a moment.

A turn of that moment is played on a state of its own and thrown away. What cannot be had any more is told in ``notes``.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any, Final

import structlog

from actors.shard.parts import ShardParts
from actors.shard.past import Past
from actors.shard.scorer_client import ScorerClient
from actors.shard.shard_past import ShardPast
from models import canonical, limits
from models.budgets.escrow import Escrow
from models.errors import InvariantBroken
from models.turn import keys
from models.turn.commands import DECISION, Command, Reply
from models.turn.keys import Hint, KeyPair, Remembered
from models.turn.past import AsOf, Moment, state_then
from models.turn.wave_parts import DEGRADED, UNSCORED, Scored, WavePart
from models.turn.waves import Turn

log = structlog.get_logger(__name__)
BUDGETS_NOTE: Final = (
    "what was free of the budgets is not known for this moment any more: each is taken with its whole cap of its period"
)


class DecidingThen:
    def __init__(self, parts: ShardParts, scorer: ScorerClient, shard: ShardPast, past: Past) -> None:
        self._parts = parts
        self._scorer = scorer
        self._shard = shard
        self._past = past

    async def explain(self, command: Command) -> Reply:
        """The answer to a decision request with ``as_of``. Raises as ``Past.moment`` does."""
        body = dict(command.body)
        moment = await self._past.moment(command.customer, AsOf.from_wire(body.pop("as_of")))
        evidence, roles = await self._shard.evidence_at(moment.seq), await self._shard.roles_at(moment.seq)
        asked = Command(DECISION, command.customer, command.customer_id, body, command.request_id)
        known = await self._known(asked, moment)
        escrow = await self._shard.escrow_at(moment.seq) if moment.plan.budgets else Escrow()
        state = state_then(self._parts.settings.shard, moment, evidence, roles, escrow)
        as_of, notes = moment.view(), ([BUDGETS_NOTE] if escrow is None else [])
        profiles = {command.customer: moment.profile}
        turn = Turn(state, [asked], profiles, known, moment.now_ms, os.urandom(16), {})
        while (wave := turn.next_wave()) is not None:
            turn.resolve(wave, [await self._scored(part, notes) for part in wave.parts])
        result = turn.finish()
        (reply,) = result.replies
        if not result.is_empty or not isinstance(reply, Reply):
            raise InvariantBroken("a dry run in the past would have left something")
        return reply if reply.status != 200 else _with(reply, {**as_of, "notes": notes})

    async def _known(self, asked: Command, moment: Moment) -> Mapping[KeyPair, Remembered]:
        """Idempotency keys that were known then: a nested event that had been applied is not applied again."""
        pairs, recall = keys.wanted([asked]), self._parts.core.state.recall
        known: dict[KeyPair, Remembered] = dict(await self._parts.writer(self._parts.store.journal.load_keys, pairs))
        known.update({pair: entry for pair in pairs if (entry := recall(pair)) is not None})
        version = moment.profile.state_version
        return {pair: entry for pair, entry in known.items() if Hint.unpack(entry.hint).state_version <= version}

    async def _scored(self, part: WavePart, notes: list[str]) -> Scored:
        """What the scorer of then says; it may be asked as long as it is registered, whatever its role is now."""
        if part.version is None or not part.rows:
            return UNSCORED
        try:
            scores = await self._scorer.numbers(part.version, part.matrix, limits.EXPLANATION_SCORER_WAIT_MS)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.debug("a scorer of the past is not asked", version=part.version, error=type(error).__name__)
            notes.append(
                f"scorer {part.version}, which decided then, is gone or does not answer: evidence alone decided here"
            )
            return DEGRADED
        rows = part.to_explain(scores)
        if not rows.size:
            return Scored(scores, False)
        wait_ms = limits.EXPLANATION_SCORER_WAIT_MS
        return Scored(scores, False, await self._scorer.contributions(part.version, part.matrix[rows], wait_ms))


def _with(reply: Reply, as_of: dict[str, Any]) -> Reply:
    return Reply(200, canonical.pack({**canonical.unpack(reply.body), "as_of": as_of}))
