"""A turn as waves: commands of each customer in order, all decisions of a wave scored by one call per scorer.

In a wave each customer's commands run up to and including its first decision; the rest waits for the next wave. So
at a decision the customer is final but for what the decision itself places, and several requests of one customer
are resolved in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models import canonical
from models.arbitration.priority import rank_all
from models.arbitration.ranking import Ranking
from models.errors import InvariantBroken
from models.profile.facts import Decided
from models.profile.state import Profile
from models.turn import (
    attributes,
    consent,
    decisions,
    erasure,
    events,
    outcomes,
    reading,
    refreshing,
    refusals,
    top_features,
)
from models.turn.commands import (
    ATTRIBUTES,
    CONSENT,
    DECISION,
    ERASE,
    EVENT,
    EXPLAIN,
    HISTORY,
    OUTCOME,
    PROFILE,
    REFRESH,
    TICK,
    Command,
    Reply,
)
from models.turn.context import TurnContext
from models.turn.keys import KeyPair, Remembered
from models.turn.receipts import Receipt
from models.turn.results import Answer, Segment, TurnResult
from models.turn.shadowed import Shown, ToShadow, shown_of
from models.turn.shard_state import ShardState
from models.turn.wave_parts import Scored, WavePart, checked, cut, explained, parts_of
from models.turn.work import Work

_WRITERS = {
    EVENT: events.handle, HISTORY: events.handle, OUTCOME: outcomes.handle, ATTRIBUTES: attributes.handle,
    CONSENT: consent.handle, REFRESH: refreshing.handle,
}


@dataclass(slots=True)
class Wave:
    """One decision per customer at most; score the matrix of every part and hand the scores to ``Turn.resolve``."""

    #: By scorer; one part unless customers have different ones.
    parts: list[WavePart]
    #: All of them, in the order of the turn's commands.
    decisions: list[decisions.Pending]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)


class Turn:
    def __init__(
        self, state: ShardState, commands: list[Command], profiles: Mapping[bytes, Profile | None],
        known: Mapping[KeyPair, Remembered], now_ms: int, turn_seed: bytes, receipts: Mapping[bytes, Receipt],
    ) -> None:
        if now_ms < state.last_ms:
            raise InvariantBroken(f"a turn at {now_ms} after one at {state.last_ms}: a shard's clock never goes back")
        self._now_ms = now_ms
        self._turn_seed = turn_seed
        self._answers: list[Answer | None] = [None] * len(commands)
        self._works: dict[bytes, Work] = {}
        self._waiting: dict[bytes, deque[tuple[int, Command]]] = {}
        self._ended: list[Segment] = []
        self._shown: list[Shown] = []
        if state.plan is None:
            self._answers = [refusals.as_reply(refusals.no_policy(c.request_id)) for c in commands]
            return
        self._context = TurnContext(state, state.plan, known, now_ms, turn_seed)
        for index, command in enumerate(commands):
            customer = command.customer
            if customer not in self._works:
                self._works[customer] = Work(
                    customer, profiles[customer], receipts.get(customer), state.plan, now_ms, self._context.note
                )
                self._waiting[customer] = deque()
            self._waiting[customer].append((index, command))

    def next_wave(self) -> Wave | None:
        """Work up to the next decisions. None: every command is answered, call ``finish``."""
        pending: list[decisions.Pending] = []
        for customer, queue in self._waiting.items():
            while queue:
                index, command = queue.popleft()
                answer = self._handle(self._works[customer], index, command)
                if isinstance(answer, decisions.Pending):
                    pending.append(answer)
                    break
                self._answers[index] = answer
        self._waiting = {customer: queue for customer, queue in self._waiting.items() if queue}
        if not pending:
            return None
        pending.sort(key=lambda decision: decision.index)
        return Wave(parts_of(pending, self._context.state, self._context.plan, self._now_ms), pending)

    def resolve(self, wave: Wave, scored: Sequence[Scored], wall_ms: int = 0) -> None:
        """Decide the wave. ``scored``: one per part of it; a part whose scores did not come is decided by evidence, and
        it alone. With ``wall_ms`` decisions whose deadline has passed answer 504 and leave no fact."""
        ready: list[tuple[decisions.Pending, bytes | None, bool, Ranking, top_features.TopFeatures]] = []
        for part, told in zip(wave.parts, scored, strict=True):
            scores = checked(part, told)
            top = explained(part, self._context.plan, scores, told.contributions)
            rankings = rank_all([pending.preparation for pending in part.decisions], scores)
            ready += [
                (pending, own, told.degraded, ranking, top.get(pending.index, {}))
                for pending, own, ranking in zip(part.decisions, cut(part, scores), rankings, strict=True)
            ]
        if len(wave.parts) > 1:  # back in the order of the turn: each takes its budget units before the next
            ready.sort(key=lambda one: one[0].index)
        for pending, own, degraded, ranking, top_of in ready:
            command = pending.command
            if wall_ms and command.deadline_ms and wall_ms >= command.deadline_ms:
                refusal = refusals.deadline_passed(pending.request["request_id"])
                self._answers[pending.index] = refusals.as_reply(refusal)
            else:
                self._answers[pending.index] = decisions.resolve(self._context, pending, own, degraded, ranking, top_of)
                self._show(pending)

    def finish(self) -> TurnResult:
        """What is to be appended, and what is to be answered then."""
        replies = [answer for answer in self._answers if answer is not None]
        if len(replies) != len(self._answers):
            raise InvariantBroken("a turn was finished before every wave was resolved")
        ended = {segment.customer for segment in self._ended}
        changed = [work for work in self._works.values() if work.facts]
        profiles: dict[bytes, Profile | None] = dict.fromkeys(ended)
        profiles.update((work.customer, work.profile) for work in changed)
        missed = sorted(self._context.missed) if self._works else []
        return TurnResult(
            self._now_ms, self._turn_seed, self._ended + [work.segment() for work in changed], [], replies, profiles,
            missed, [label for work in self._works.values() for label in work.labels],
            [fact for work in changed for fact in work.facts if type(fact) is Decided], self._to_shadow(),
        )

    def _show(self, pending: decisions.Pending) -> None:
        """Remember for shadows what a decision that counts has shown."""
        if self._context.state.active_roles.shadows and pending.dry_version is None:
            fact = pending.trial.facts[-1]
            shown = shown_of(pending.preparation, fact) if isinstance(fact, Decided) else None
            if shown is not None:
                self._shown.append(shown)

    def _to_shadow(self) -> ToShadow | None:
        if not self._shown:
            return None
        plan = self._context.plan
        return ToShadow(self._now_ms, plan, self._context.state.evidence.propensities(plan), self._shown)

    def _handle(self, work: Work, index: int, command: Command) -> Answer | decisions.Pending:
        kind = command.kind
        if kind in (DECISION, EXPLAIN):
            return decisions.prepare(self._context, work, index, command)
        if kind == PROFILE:
            return reading.handle(self._context, work, command)
        work.advance()
        if kind == TICK:
            return Reply(200, canonical.pack({}))
        if kind == ERASE:
            reply, segment = erasure.handle(self._context, work, command)
            if segment is not None:
                self._ended.append(segment)
            return reply
        return _WRITERS[kind](self._context, work, command)
