"""What the coordinator does for its callers: run a command, make its facts durable, poke, wait for the shards.

Knows no Ray: the shards, the real clock and the way out of the process are handed in.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from actors.coordination.record import CoordinatorRecord
from actors.coordination.shards import Shards
from actors.coordination.tally import Tally
from models import limits
from models.canonical import pack
from models.catalog.plan import Plan
from models.coordination import experiment_views, views
from models.coordination.commands import (
    Answer,
    Command,
    Handled,
    Instruct,
    PublishCatalog,
    RegisterScorer,
    RoleCommand,
    SetCap,
    SetClock,
    Sync,
)
from models.coordination.core import CoordinatorCore
from models.coordination.messages import Instructions, Report
from models.errors import KairosError
from models.times import format_time
from models.turn.commands import problem

#: How often a waiting call looks again although no shard reported.
_LOOK_S: Final = 0.25


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class CoordinatorService:
    """``leave`` ends the process: after an error of the journal or of the core, nobody may be answered."""

    def __init__(
        self, core: CoordinatorCore, record: CoordinatorRecord, shards: Shards, leave: Callable[[BaseException], None],
        real_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self.core = core
        self._record = record
        self._shards = shards
        self._leave = leave
        self._real_ms = real_ms
        self._tally = Tally()
        #: Set, and replaced, with every report of a shard.
        self._reported = asyncio.Event()

    async def sync(self, report: Report) -> Instructions:
        handled = await self._do(Sync(report))
        self._reported.set()
        self._reported = asyncio.Event()
        assert isinstance(handled.reply, Instructions)
        self._tally.reported(len(handled.reply.recalls))
        return handled.reply

    async def publish_catalog(self, plan: Plan, if_match: str | None) -> Answer:
        """Answers when every live shard has adopted it, or with 202 after ``CATALOG_ADOPTION_WAIT_MS``."""
        return await self._adopted(await self._ask(PublishCatalog(plan, if_match)))

    async def change_roles(self, command: RoleCommand) -> Answer:
        """Answers when every live shard has adopted the roles, or with 202 after ``CATALOG_ADOPTION_WAIT_MS``."""
        return await self._adopted(await self._ask(command))

    async def _adopted(self, answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        behind = await self._wait_for(self.core.laggards, limits.CATALOG_ADOPTION_WAIT_MS)
        # A shard that is silent is not waited for; when it speaks again, it adopts what is in force then.
        body = {**answer.body, "adopted": self.core.adopters(), "waiting_for": behind}
        return Answer(202 if behind else 200, body)

    async def set_cap(self, budget: str, cap: int) -> Answer:
        answer = await self._ask(SetCap(budget, cap))
        if answer.status != 200:
            return answer
        (row,) = (row for row in self.core.budgets(self._real_ms())["budgets"] if row["id"] == budget)
        return Answer(200, row)

    async def register_scorer(self, version: str, manifest: dict[str, Any]) -> Answer:
        return await self._ask(RegisterScorer(version, manifest))

    async def set_clock(self, clock_ms: int) -> Answer:
        """Answers when every live shard stands there and has its first grants of the periods that began."""
        answer = await self._ask(SetClock(clock_ms))
        if answer.status != 200:
            return answer
        now_ms = self._real_ms()
        live = [shard.shard for shard in self.core.live.values() if shard.is_live(now_ms)]
        await asyncio.gather(*(self._advance(shard) for shard in live))
        behind = await self._wait_for(self.core.behind_clock, limits.CLOCK_SET_WAIT_MS)
        if behind:
            detail = f"the clock is set, but shards {behind} do not stand there yet; ask again with the same time"
            return Answer(503, problem(503, "Shards are behind", detail))
        return answer

    async def _advance(self, shard: int) -> None:
        handled = await self._do(Instruct(shard))
        assert isinstance(handled.reply, Instructions)
        await self._shards.advance(shard, _packed(handled.reply))

    async def budgets(self) -> Answer:
        """As of now: what was acknowledged before this call is in it, as far as its shard is live."""
        await self._hear_all()
        return Answer(200, self.core.budgets(self._real_ms()))

    async def experiments(self) -> Answer:
        """As of now, as ``budgets``."""
        await self._hear_all()
        return Answer(200, experiment_views.experiments_view(self.core.state))

    async def experiment(self, id_: str) -> Answer:
        """As of now, as ``budgets``."""
        await self._hear_all()
        return experiment_views.experiment_answer(self.core.state, id_)

    async def _hear_all(self) -> None:
        """Two reports of each live shard are awaited, because the first may have been under way already."""
        for _ in range(2):
            now_ms = self._real_ms()
            seen = {s.shard: s.number for s in self.core.live.values() if s.is_live(now_ms)}
            if await self._wait_for(partial(self._silent_since, seen), limits.BUDGETS_WAIT_MS):
                break
        await self._confirm()

    def _silent_since(self, seen: Mapping[int, int], _now_ms: int) -> list[int]:
        return [shard for shard, number in seen.items() if self.core.live[shard].number == number]

    async def catalog(self, known: Sequence[str] = ()) -> Answer:
        """The version alone when it is one of ``known``."""
        await self._confirm()
        state = self.core.state
        if state.catalog_version in known:
            return Answer(200, {"catalog_version": state.catalog_version})
        if not state.catalog_version:
            return Answer(404, problem(404, "No catalog", "no catalog is published yet; PUT /v1/catalog publishes one"))
        return Answer(200, {"catalog_version": state.catalog_version, "catalog": state.catalog})

    async def scorers(self) -> Answer:
        await self._confirm()
        return Answer(200, views.scorers_view(self.core.state))

    async def clock(self) -> Answer:
        mode = "manual" if self.core.manual_clock else "wall"
        return Answer(200, {"time": format_time(self.core.decision_ms(self._real_ms())), "mode": mode})

    async def status(self) -> Answer:
        mode = "manual" if self.core.manual_clock else "wall"
        view = {"epoch": self.core.epoch, "clock": mode, **self.core.status(self._real_ms())}
        return Answer(200, view)

    async def figures(self) -> Answer:
        """For the metrics: ``actors.metrics.told``."""
        return Answer(200, self._tally.figures(self.core, self._real_ms()))

    async def _ask(self, command: Command) -> Answer:
        handled = await self._do(command)
        assert isinstance(handled.reply, Answer)
        return handled.reply

    async def _do(self, command: Command) -> Handled:
        """Handle, make durable, poke. An error of core or journal ends the process before anybody is answered."""
        try:
            now_ms = self._real_ms()
            handled = self.core.handle(command, now_ms)
            began_s = time.perf_counter()
            await self._record.write(handled.facts, self.core, now_ms)
            if handled.facts:
                self._tally.wrote(handled.facts, time.perf_counter() - began_s)
        except Exception as error:
            self._leave(error)
            raise
        self._poke(handled.poke)
        return handled

    async def _confirm(self) -> None:
        """A read: all that it may show is durable, and the journal is still mine."""
        try:
            await self._record.write((), self.core, self._real_ms())
        except KairosError as error:
            self._leave(error)
            raise

    def _poke(self, shards: Iterable[int]) -> None:
        for shard in shards:
            self._shards.poke(shard)

    async def _wait_for(self, behind: Callable[[int], list[int]], wait_ms: int) -> list[int]:
        """Poke the shards that are behind until none is, or ``wait_ms`` passed; returns those that still are."""
        deadline = time.monotonic() + wait_ms / 1_000
        while shards := behind(self._real_ms()):
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0:
                return shards
            self._poke(shards)
            with contextlib.suppress(TimeoutError):  # A shard may have ceased to be live meanwhile.
                await asyncio.wait_for(self._reported.wait(), min(remaining_s, _LOOK_S))
        return []


def _packed(instructions: Instructions) -> bytes:
    return pack(instructions.to_wire())
