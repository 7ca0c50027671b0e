"""Scores of targets, refreshed beside the turns: marked customers are read as they stand, their scorers asked in one
matrix per target, and what is news goes back as commands that give way to all others.

An event's score is there within ``limits.SCORES_STALE_MS`` under normal load. A scorer that is gone, or late, costs
nothing but that: it is asked less and less often, other targets go on, and whom it owes an answer is asked about again
when it is back. The sweep finds whom no mark names (see ``actors.shard.stale``): customers in memory who may be stale;
one who is in the store alone is refreshed at the next touch.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from actors.shard.parts import ShardParts
from actors.shard.stale import may_be_stale
from models import limits
from models.errors import NotServing
from models.profile import features
from models.profile.state import Profile
from models.scoring.targets import Question
from models.turn.commands import Command, Reply
from models.turn.refreshing import is_news, refresh_command

log = structlog.get_logger(__name__)
#: Profiles read between two looks at the event loop.
_AT_ONCE: Final = 8


class Numbers(Protocol):
    """What a refresh needs of ``ScorerClient``."""

    async def numbers(self, version: str, matrix: NDArray[np.float32], wait_ms: float) -> NDArray[np.float32]: ...


@dataclass(slots=True)
class _Asked:
    """A target and its scorer, with the patience that is left for it."""

    version: str
    question: Question
    #: 0 while it answers; else how long it is left alone after each failure.
    pause_ms: int = 0
    not_before_s: float = 0.0


class Refresher:
    def __init__(
        self, parts: ShardParts, scorer: Numbers, submit: Callable[[Sequence[Command]], asyncio.Future[list[Reply]]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``submit`` takes commands that may wait."""
        self._parts = parts
        self._scorer = scorer
        self._submit = submit
        self._monotonic = monotonic
        self._asked: list[_Asked] = []
        #: (plan version, targets) that ``_asked`` was made for.
        self._made_for: tuple[str | None, Mapping[str, str]] = None, {}
        self._swept_s = monotonic()
        #: A batch is being refreshed.
        self.is_busy = False
        self._wake = asyncio.Event()
        parts.stale.wake = self._wake.set

    async def run(self) -> None:
        """For ever."""
        while True:
            self._look()
            self._wake.clear()
            if not self._may_work:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._idle_s()):
                        await self._wake.wait()
                continue
            if len(self._parts.stale) < limits.SCORES_BATCH:
                await asyncio.sleep(limits.SCORES_GATHER_MS / 1_000)
            try:
                await self.step()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # decisions go on without it
                log.error("scores are not refreshed", error=type(error).__name__, exc_info=True)
                await asyncio.sleep(limits.BREAKER_PAUSE_MS_MAX / 1_000)

    @property
    def _may_work(self) -> bool:
        stale = self._parts.stale
        return bool(self._ready()) and bool(len(stale) or stale.is_sweeping)

    def _ready(self) -> list[_Asked]:
        now_s = self._monotonic()
        return [asked for asked in self._asked if asked.not_before_s <= now_s]

    def _idle_s(self) -> float:
        """Until a scorer may be asked again, or everybody is to be looked at."""
        now_s = self._monotonic()
        waits = [asked.not_before_s - now_s for asked in self._asked if asked.not_before_s > now_s]
        return max(0.001, min([*waits, self._swept_s + limits.SCORES_OLD_MS / 1_000 - now_s]))

    def _look(self) -> None:
        """Notice adoptions, the end of a day, and the end of all pauses."""
        state, stale = self._parts.core.state, self._parts.stale
        targets = state.active_roles.targets if state.plan is not None else {}
        made_for = state.catalog_version, targets
        if made_for != self._made_for:
            self._made_for, self._asked = made_for, self._questions()
        elif self._monotonic() - self._swept_s < limits.SCORES_OLD_MS / 1_000:
            if len(self._ready()) == len(self._asked):
                stale.call_in()
            return
        self._swept_s = self._monotonic()
        if self._asked:
            stale.sweep(self._parts.residency.customers())
        else:
            stale.forget()

    def _questions(self) -> list[_Asked]:
        state = self._parts.core.state
        if state.plan is None:
            return []
        return [
            _Asked(version, Question(state.plan.targets[target], state.layouts[version], state.plan))
            for target, version in state.active_roles.targets.items() if target in state.plan.targets
        ]

    async def step(self) -> None:
        """Refresh one batch: marks before the sweep."""
        stale, asked = self._parts.stale, self._ready()
        marks = stale.take(limits.SCORES_BATCH) or self._out_of_date(stale.take_swept(limits.SCORES_BATCH))
        if not asked or not marks:
            return
        waiting, self.is_busy = dict(marks), True
        try:
            await self._refresh(asked, waiting)
        finally:
            self.is_busy = False
            stale.owe(waiting)

    def _out_of_date(self, customers: Iterable[bytes]) -> dict[bytes, float]:
        targets, now_ms = self._made_for[1], self._parts.now_ms()
        found = {}
        for customer in customers:
            profile = self._parts.residency.peek(customer)
            if profile is not None and may_be_stale(profile, targets, now_ms):
                found[customer] = self._monotonic()
        return found

    async def _refresh(self, asked: list[_Asked], waiting: dict[bytes, float]) -> None:
        """Take out of ``waiting`` who needs nothing more."""
        people = await self._read(waiting)
        for gone in waiting.keys() - people.keys():
            waiting.pop(gone)
        if not people:
            return
        records = [record for _, record in people.values()]
        now_ms = self._parts.now_ms()
        answers = await asyncio.gather(*(self._ask(one, records, now_ms) for one in asked))
        commands = []
        for place, (customer, (profile, _)) in enumerate(people.items()):
            scores = [
                (one.question.target.id, answer[place], one.version)
                for one, answer in zip(asked, answers, strict=True) if answer is not None
            ]
            if any(is_news(profile, *score, now_ms) for score in scores):
                commands.append(refresh_command(customer, profile.generation, scores))
        done = await self._write(commands)
        if len(asked) == len(self._asked) and None not in answers:
            unwritten = {command.customer for command, fine in zip(commands, done, strict=True) if not fine}
            for customer in waiting.keys() - unwritten:
                waiting.pop(customer)

    async def _read(self, customers: Iterable[bytes]) -> dict[bytes, tuple[Profile, dict[str, Any]]]:
        """Those in memory, and what ``profile`` is in their rules. Turns come in between."""
        parts, found = self._parts, {}
        for place, customer in enumerate(customers):
            plan, profile = parts.core.state.plan, parts.residency.peek(customer)
            if profile is not None and plan is not None:
                found[customer] = profile, features.read(profile, plan, parts.now_ms()).record()
            if place % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
        return found

    async def _ask(
        self, asked: _Asked, records: Sequence[Mapping[str, Any]], now_ms: int
    ) -> list[float | str] | None:
        """A value per record; None when the scorer does not say."""
        rows, wait_ms = asked.question.rows(records, now_ms), limits.SCORES_WAIT_MS_MAX
        try:
            # A part at a time: a scorer's process has decisions to score in between.
            scores = np.concatenate([
                await self._scorer.numbers(asked.version, rows[start : start + limits.SCORES_ROWS_AT_ONCE], wait_ms)
                for start in range(0, len(rows), limits.SCORES_ROWS_AT_ONCE)
            ])
        except asyncio.CancelledError:
            raise
        except Exception as error:
            asked.pause_ms = min(max(limits.BREAKER_PROBE_MS, 2 * asked.pause_ms), limits.BREAKER_PAUSE_MS_MAX)
            asked.not_before_s = self._monotonic() + asked.pause_ms / 1_000
            self._parts.counters.totals["scores_failed"] += 1
            log.debug("a target has no scores", target=asked.question.target.id, error=type(error).__name__)
            return None
        asked.pause_ms = 0
        return asked.question.values(scores)

    async def _write(self, commands: list[Command]) -> list[bool]:
        """Which of them are done."""
        if not commands:
            return []
        try:
            replies = await self._submit(commands)
        except NotServing:
            await asyncio.sleep(limits.BREAKER_PROBE_MS / 1_000)
            return [False] * len(commands)
        done = [reply.status == 200 for reply in replies]
        self._parts.counters.totals["scores_refreshed"] += sum(done)
        if not all(done):
            await asyncio.sleep(limits.BREAKER_PROBE_MS / 1_000)
        return done
