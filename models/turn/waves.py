"""A turn as waves: commands of each customer in order, all decisions of a wave scored by one call.

In a wave each customer's commands run up to and including its first decision; the rest waits for the next wave. So
at a decision the customer is final but for what the decision itself places, and several requests of one customer
are resolved in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import canonical
from models.arbitration.priority import rank_all
from models.errors import InvariantBroken
from models.profile.facts import Decided
from models.profile.state import Profile
from models.turn import attributes, consent, decisions, erasure, events, outcomes, reading, refusals, top_features
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
    TICK,
    Command,
    Reply,
)
from models.turn.context import TurnContext
from models.turn.keys import KeyPair, Remembered
from models.turn.receipts import Receipt
from models.turn.results import Answer, Segment, TurnResult
from models.turn.shard_state import ShardState
from models.turn.work import Work

_SCORE_BYTES: Final = np.dtype(np.float32).itemsize
_WRITERS = {
    EVENT: events.handle, HISTORY: events.handle, OUTCOME: outcomes.handle, ATTRIBUTES: attributes.handle,
    CONSENT: consent.handle,
}


@dataclass(slots=True)
class Wave:
    """One decision per customer at most; score ``matrix`` and hand the scores to ``Turn.resolve``."""

    #: float32 [rows, features]; no columns without a scorer, no rows when nothing is to be scored.
    matrix: NDArray[np.float32]
    #: The scorer that the matrix was laid out for; None without one.
    scorer_version: str | None
    decisions: list[decisions.Pending]

    @property
    def rows(self) -> int:
        return int(self.matrix.shape[0])

    def to_explain(self, scores: NDArray[np.float32] | None) -> NDArray[np.intp]:
        """Rows whose contributions ``Turn.resolve`` takes beside these scores; none unless a decision explains itself
        and a scorer scored it."""
        if not any(pending.explains for pending in self.decisions):
            return np.empty(0, np.intp)
        parts = [(pending.preparation.scored.size, pending.explains) for pending in self.decisions]
        return top_features.rows_to_explain(parts, scores)


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
        return Wave(self._matrix(pending), self._context.state.active_scorer, pending)

    def resolve(
        self, wave: Wave, scores: NDArray[np.float32] | None, degraded: bool, wall_ms: int = 0,
        contributions: NDArray[np.float32] | None = None,
    ) -> None:
        """Decide the wave. ``scores``: float32[wave.rows] or None (evidence alone). With ``wall_ms`` decisions whose
        deadline has passed answer 504 and leave no fact. ``contributions``: float32[rows, features + 1] of the rows
        ``wave.to_explain(scores)``, or None: explanations name no features then."""
        if scores is not None and len(scores) != wave.rows:
            raise InvariantBroken(f"{len(scores)} scores for {wave.rows} rows")
        if degraded or wave.scorer_version is None or not wave.rows:
            scores = None
        explained = {} if scores is None or contributions is None else self._explained(wave, scores, contributions)
        rankings = rank_all([pending.preparation for pending in wave.decisions], scores)
        # One array's bytes are cut; every decision's own array would be an object or two more.
        frozen = b"" if scores is None else scores.astype(np.float32, copy=False).tobytes()
        start = 0
        for pending, ranking in zip(wave.decisions, rankings, strict=True):
            own = None if scores is None or not len(ranking) else frozen[start : start + len(ranking) * _SCORE_BYTES]
            start += len(ranking) * _SCORE_BYTES
            command = pending.command
            if wall_ms and command.deadline_ms and wall_ms >= command.deadline_ms:
                refusal = refusals.deadline_passed(pending.request["request_id"])
                self._answers[pending.index] = refusals.as_reply(refusal)
            else:
                self._answers[pending.index] = decisions.resolve(
                    self._context, pending, own, degraded, ranking, explained.get(pending.index, {})
                )

    def _explained(
        self, wave: Wave, scores: NDArray[np.float32], contributions: NDArray[np.float32]
    ) -> dict[int, top_features.TopFeatures]:
        """Top features of the decisions that explain themselves, by their place in the turn."""
        layout, rows = self._context.state.layouts.get(wave.scorer_version or ""), wave.to_explain(scores)
        if layout is None or contributions.shape != (len(rows), layout.width + 1):
            raise InvariantBroken(f"contributions of shape {contributions.shape} for {len(rows)} rows")
        found: dict[int, top_features.TopFeatures] = {}
        start = 0
        for pending in wave.decisions:
            scored = pending.preparation.scored
            own = (rows >= start) & (rows < start + scored.size)
            if own.any():
                actions = scored[rows[own] - start]
                found[pending.index] = top_features.by_action(
                    self._context.plan, layout.features, actions, contributions[own]
                )
            start += scored.size
        return found

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
            [fact for work in changed for fact in work.facts if type(fact) is Decided],
        )

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

    def _matrix(self, pending: list[decisions.Pending]) -> NDArray[np.float32]:
        state, plan = self._context.state, self._context.plan
        layout = state.layouts.get(state.active_scorer or "")
        if layout is None:
            return np.empty((sum(p.preparation.scored.size for p in pending), 0), np.float32)
        views = [p.preparation.standing.view for p in pending]
        vectors = layout.wave_vectors(
            [view.values for view in views], [view.attributes for view in views],
            [view.scores for view in views], [p.request["channel"] for p in pending], self._now_ms,
        )
        frozen, length = vectors.tobytes(), vectors.shape[1] * vectors.itemsize
        for at, waiting in enumerate(pending):
            waiting.vector = frozen[at * length : (at + 1) * length]
        return layout.stack(
            vectors, [p.preparation.scored for p in pending], state.evidence.propensities(plan)
        )
