"""One turn: load, prepare, score, resolve, append, and only then answer."""

from __future__ import annotations

import asyncio
import math
import os
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from actors.shard.laps import APPEND, PREPARE, RESOLVE, SCORE, Laps
from actors.shard.parts import ShardParts
from actors.shard.pending import Pending
from actors.shard.store import Appended
from models import canonical, limits
from models.errors import DiskFull, Fenced, JournalFailed
from models.turn import keys
from models.turn.commands import DECISION, EXPLAIN, Command, Reply, problem
from models.turn.results import AnswerAt, TurnResult, Wait
from models.turn.shard_facts import ShardFact
from models.turn.wave_parts import DEGRADED, UNSCORED, Scored, WavePart
from models.turn.waves import Wave

log = structlog.get_logger(__name__)


class Scoring(Protocol):
    """What a turn needs of ``ScorerClient``."""

    async def score(self, version: str | None, matrix: NDArray[np.float32], wait_ms: float) -> Scored: ...

    async def contributions(
        self, version: str, matrix: NDArray[np.float32], wait_ms: float
    ) -> NDArray[np.float32] | None: ...


class Trace(Protocol):
    """The spans of one turn, see ``actors.shard.turn_trace``."""

    def scoring(self) -> AbstractContextManager[None]: ...

    def end(self, laps: Laps, commands: int, commit_ns: tuple[int, int] | None, error: str = "") -> None: ...


#: Given the traceparents of a turn's commands ("" for those without) and when it began: None when nobody is traced.
OpenTrace = Callable[[Sequence[str], int], Trace | None]


@dataclass(slots=True)
class Outcome:
    #: Commands whose ``min_state_version`` is not reached yet: nothing was done for them.
    waiting: list[tuple[Pending, Wait]] = field(default_factory=list)
    #: Customers with new facts.
    changed: frozenset[bytes] = frozenset()
    #: A decision went without budget units: the coordinator should be asked at once.
    is_dry: bool = False
    #: Nothing could be written.
    is_refused: bool = False


def refusal(command: Command, status: int, title: str, detail: str) -> Reply:
    return Reply(status, canonical.pack(problem(status, title, detail, request_id=command.request_id)))


def _request_ids(pendings: Sequence[Pending]) -> list[str]:
    """Of the first few requests of a turn that failed: enough to find them, and no flood."""
    given = (pending.command.request_id for pending in pendings[: limits.LOGGED_REQUEST_IDS_MAX])
    return [request_id for request_id in given if request_id]


def _too_late(command: Command) -> Reply:
    return refusal(command, 504, "deadline passed", "the deadline passed before the turn was on disk; nothing was done")


class TurnRunner:
    def __init__(
        self, parts: ShardParts, scorer: Scoring, open_trace: OpenTrace | None = None,
        watch: Callable[[TurnResult], None] | None = None,
    ) -> None:
        """``open_trace``: None when traces are off. ``watch`` is told of every turn that was answered."""
        self._parts = parts
        self._scorer = scorer
        self._open_trace = open_trace
        self._watch = watch
        self._trace: Trace | None = None
        self._laps = Laps()
        #: When the journal's thread worked on this turn.
        self._commit_ns: tuple[int, int] | None = None
        #: Of the last turn, for ``server-timing``.
        self.score_ms = 0.0
        self.commit_ms = 0.0

    async def run(self, batch: Sequence[Pending]) -> Outcome:
        """Answer every command of the batch, or say that it waits. Raises Fenced and JournalFailed: then leave."""
        live = self._refuse_expired(batch)
        if self._parts.core.state.plan is None:
            self._refuse(live, 503, "no catalog yet", "this shard has not adopted a catalog yet; repeat shortly")
            return Outcome()
        self.score_ms = self.commit_ms = 0.0
        self._commit_ns, self._laps = None, Laps()
        if self._open_trace is not None:
            self._trace = self._open_trace([pending.trace for pending in live], self._laps.began_ns)
        while live:
            try:
                result = await self._decide([pending.command for pending in live])
            except (Fenced, JournalFailed) as error:
                self._end_trace(live, type(error).__name__)
                raise
            except Exception as error:
                self._end_trace(live, type(error).__name__)
                return await self._isolate(live, error)
            late = self._late(live, result)
            if not late:
                try:
                    outcome = await self._finish(live, result)
                finally:
                    self._end_trace(live)
                self._parts.counters.turned(self._laps, len(live))
                return outcome
            live = [pending for pending in live if pending not in late]
        self._end_trace(live)
        return Outcome()

    def _end_trace(self, live: Sequence[Pending], error: str = "") -> None:
        if self._trace is not None:
            self._trace.end(self._laps, len(live), self._commit_ns, error)
            self._trace = None

    async def adopt(self, facts: list[ShardFact]) -> None:
        """A turn of shard facts alone. Raises DiskFull when it could not be written."""
        parts = self._parts
        result = parts.core.adopt(facts, parts.now_ms(), os.urandom(16))
        appended = await parts.writer(parts.store.commit, result)
        parts.settle(result, appended.seq, appended.bytes)

    def _refuse(self, pendings: Sequence[Pending], status: int, title: str, detail: str) -> None:
        for pending in pendings:
            pending.answer(refusal(pending.command, status, title, detail))

    def _refuse_expired(self, batch: Sequence[Pending]) -> list[Pending]:
        now_ms = self._parts.clock.real_ms()
        live = []
        for pending in batch:
            if 0 < pending.command.deadline_ms <= now_ms:
                self._parts.counters.totals["expired"] += 1
                pending.answer(_too_late(pending.command))
            elif not pending.is_abandoned:
                live.append(pending)
        return live

    async def _isolate(self, live: list[Pending], error: Exception) -> Outcome:
        """Something in this batch cannot be worked on: find it, fail it alone, do the rest. Nothing was appended."""
        if len(live) == 1:
            where = traceback.extract_tb(error.__traceback__)[-1]
            log.error("command_failed", kind=live[0].command.kind, error=type(error).__name__,
                      request_id=live[0].command.request_id, where=f"{where.filename}:{where.lineno}")
            self._parts.counters.totals["failed"] += 1
            self._refuse(live, 500, "internal error", "the command could not be worked on; nothing was done")
            return Outcome()
        outcomes = [await self.run([pending]) for pending in live]
        return Outcome(
            [pair for outcome in outcomes for pair in outcome.waiting],
            frozenset().union(*(outcome.changed for outcome in outcomes)),
            any(outcome.is_dry for outcome in outcomes), any(outcome.is_refused for outcome in outcomes),
        )

    async def _decide(self, commands: list[Command]) -> TurnResult:
        parts = self._parts
        customers = list(dict.fromkeys(command.customer for command in commands))
        pairs = [pair for pair in keys.wanted(commands) if pair not in parts.core.state.recent]
        missing, erased = parts.residency.missing(customers), parts.residency.erased(customers)
        known, receipts = {}, {}
        if missing or pairs or erased:
            few = len(missing) + len(pairs) + len(erased) <= limits.LOOK_UPS_AT_ONCE_MAX
            load = parts.writer.short if few else parts.writer
            loaded = await load(parts.store.load, missing, pairs, erased)
            known, receipts = loaded.keys, loaded.receipts
            for stored in loaded.profiles.values():
                parts.residency.admit(stored)
        profiles = parts.residency.take(customers)
        turn = parts.core.begin(commands, profiles, known, parts.now_ms(), os.urandom(16), receipts)
        until_ms = self._scorer_until_ms(commands)
        while (wave := turn.next_wave()) is not None:
            self._laps.end(PREPARE)
            scored = await self._score(wave, min(limits.SCORER_WAIT_MS_MAX, until_ms - parts.clock.real_ms()))
            self._laps.end(SCORE)
            turn.resolve(wave, scored, parts.clock.real_ms())
            self._laps.end(RESOLVE)
        self._laps.end(PREPARE)
        result = turn.finish()
        self._laps.end(RESOLVE)
        return result

    def _scorer_until_ms(self, commands: Sequence[Command]) -> float:
        """When half of the tightest deadline is over: all waves of a turn share it, for all are answered together."""
        now_ms = self._parts.clock.real_ms()
        left = [c.deadline_ms - now_ms for c in commands if c.deadline_ms and c.kind in (DECISION, EXPLAIN)]
        return min((now_ms + left_ms / 2 for left_ms in left), default=math.inf)

    async def _score(self, wave: Wave, wait_ms: float) -> Sequence[Scored]:
        """One per part; the scorers of a wave are asked at once, under one deadline."""
        if not wave.rows:
            return [UNSCORED] * len(wave.parts)
        if wait_ms <= 0:
            return [DEGRADED] * len(wave.parts)
        started = time.perf_counter()
        with nullcontext() if self._trace is None else self._trace.scoring():
            if len(wave.parts) == 1:
                scored = [await self._ask(wave.parts[0], wait_ms, started)]
            else:
                scored = await asyncio.gather(*(self._ask(part, wait_ms, started) for part in wave.parts))
        self.score_ms += (time.perf_counter() - started) * 1_000
        self._parts.counters.totals["waves"] += 1
        self._parts.counters.totals["waves_degraded"] += any(told.degraded for told in scored)
        return scored

    async def _ask(self, part: WavePart, wait_ms: float, started: float) -> Scored:
        if not part.rows:
            return UNSCORED
        scored = await self._scorer.score(part.version, part.matrix, wait_ms)
        rows = part.to_explain(scored.scores)
        if rows.size and part.version is not None:
            left_ms = max(1.0, wait_ms - (time.perf_counter() - started) * 1_000)
            found = await self._scorer.contributions(part.version, part.matrix[rows], left_ms)
            scored = replace(scored, contributions=found)
        return scored

    def _late(self, live: Sequence[Pending], result: TurnResult) -> list[Pending]:
        """Whose deadline passed before the append: answered so, and the turn is made again without them."""
        if result.is_empty:
            return []
        now_ms = self._parts.clock.real_ms()
        late = [
            pending for pending, reply in zip(live, result.replies, strict=True)
            if 0 < pending.command.deadline_ms <= now_ms and not (isinstance(reply, Reply) and reply.status == 504)
        ]
        for pending in late:
            self._parts.counters.totals["expired"] += 1
            pending.answer(_too_late(pending.command))
        return late

    async def _finish(self, live: Sequence[Pending], result: TurnResult) -> Outcome:
        parts = self._parts
        started = time.perf_counter()
        try:
            if result.is_empty:
                await parts.writer.short(parts.store.journal.confirm)
                parts.core.note_missed(result.missed)
            else:
                appended = await parts.writer(self._commit, result)
                parts.counters.appended((time.perf_counter() - started) * 1_000, appended.bytes)
                parts.settle(result, appended.seq, appended.bytes)
        except DiskFull:
            log.error("disk_full", requests=len(live), request_ids=_request_ids(live))
            parts.counters.totals["disk_full"] += 1
            self._refuse(live, 503, "no space", "the journal's disk is full; nothing was done, repeat later")
            return Outcome(is_refused=True)
        self.commit_ms = (time.perf_counter() - started) * 1_000
        self._laps.end(APPEND)
        parts.counters.totals["dry"] += len(result.missed)
        waiting = []
        for pending, reply in zip(live, result.replies, strict=True):
            if isinstance(reply, Wait):
                waiting.append((pending, reply))
            elif isinstance(reply, AnswerAt):
                pending.answer(await self._past_answer(pending.command, reply))
            else:
                pending.answer(reply)
        if self._watch is not None:
            self._watch(result)
        return Outcome(waiting, frozenset(result.profiles), bool(result.missed))

    def _commit(self, result: TurnResult) -> Appended:
        """In the journal's thread."""
        began_ns = time.perf_counter_ns()
        appended = self._parts.store.commit(result)
        self._commit_ns = (began_ns, time.perf_counter_ns())
        return appended

    async def _past_answer(self, command: Command, answer: AnswerAt) -> Reply:
        parts = self._parts
        seq = answer.seq or parts.core.state.seq
        reply = await parts.writer(parts.store.past_reply, seq, answer.customer, answer.generation, answer.request_id)
        if reply is None:
            return refusal(command, 410, "gone", "the answer to this request is older than the journal's retention")
        return Reply(200, reply)
