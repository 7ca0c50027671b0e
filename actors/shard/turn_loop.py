"""The one task that changes a shard: it takes of what has queued up (see ``pace``), runs it as a turn, and does its
chores in between.

Nothing of a turn is prepared while the one before it is appended. That was built and measured: as many turns as callers
make groups follow each other then, each with half the commands and a whole turn's fixed cost, which takes more of the
CPU than the wait for the disk leaves of it.

A caller that goes away cancels its own waiting, never the turn. ``die`` is called when the store says that this process
must not go on (fenced, or a journal that failed); it does not return.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn, TypeVar

import structlog

from actors.shard.checkpointing import Checkpointer
from actors.shard.pace import Pace
from actors.shard.parts import ShardParts
from actors.shard.pending import Call, Pending
from actors.shard.ticking import Ticker
from actors.shard.turning import Outcome, TurnRunner, refusal
from models import limits
from models.errors import DiskFull, NotServing
from models.turn.commands import TICK, Command, Reply
from models.turn.results import Wait

log = structlog.get_logger(__name__)
_T = TypeVar("_T")


def _released() -> NotServing:
    return NotServing("this shard was released; its next incarnation does what it left undone")


class TurnLoop:
    def __init__(
        self, parts: ShardParts, runner: TurnRunner, die: Callable[[str], NoReturn],
        ask_coordinator: Callable[[], None] = lambda: None,
    ) -> None:
        self._parts = parts
        self._runner = runner
        self._die = die
        self._ask_coordinator = ask_coordinator
        self._checkpointer = Checkpointer(parts)
        self._ticker = Ticker(parts, self._checkpointer)
        self._queue: deque[Pending] = deque()
        #: What may wait for a turn with room to spare.
        self._later: deque[Pending] = deque()
        #: Waiting for a ``min_state_version``, by customer.
        self._parked: dict[bytes, list[tuple[Pending, Wait, asyncio.TimerHandle]]] = {}
        self._boundary: deque[Callable[[], Awaitable[None]]] = deque()
        self._quiet: list[asyncio.Future[None]] = []
        self._pace = Pace()
        self._wake = asyncio.Event()
        self._draining = False
        self._resumed = asyncio.Event()
        self._resumed.set()
        #: Who waits for the loop to hold still.
        self._held: list[asyncio.Future[None]] = []
        self._stands = False

    @property
    def _is_released(self) -> bool:
        return not self._resumed.is_set()

    @property
    def backlog(self) -> int:
        return len(self._queue)

    def submit(self, commands: Sequence[Command], traces: Sequence[str] = ()) -> asyncio.Future[list[Reply]]:
        """Queue commands in order; the future ends with their replies, or with NotServing when the shard is released
        before all are done. ``traces``: see ``Call``."""
        call = Call(commands, traces)
        if self._is_released:
            call.refuse(_released())
        elif self._draining or len(self._queue) + len(commands) > limits.SHARD_QUEUE_MAX:
            title = "shard is stopping" if self._draining else "shard is full"
            detail = "nothing was done; repeat with the same id shortly"
            for pending in call.pendings:
                pending.answer(refusal(pending.command, 503, title, detail))
        else:
            self._queue.extend(call.pendings)
            self._wake.set()
        return call.done

    def submit_later(self, commands: Sequence[Command]) -> asyncio.Future[list[Reply]]:
        """Queue commands that give way to all others: a turn takes a few of them where it has room to spare."""
        call = Call(commands)
        if self._is_released or self._draining:
            call.refuse(_released())
        else:
            self._later.extend(call.pendings)
            self._wake.set()
        return call.done

    async def at_boundary(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Run ``work`` between two turns, when nothing is half done."""
        done: asyncio.Future[_T] = asyncio.get_running_loop().create_future()

        async def run() -> None:
            try:
                result = await work()
            except DiskFull as error:
                if not done.done():
                    done.set_exception(error)
            else:
                if not done.done():
                    done.set_result(result)

        self._boundary.append(run)
        self._wake.set()
        return await done

    async def timers_fired(self) -> None:
        """Return once every timer that is due now has fired."""
        quiet: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ticker.hurry()
        self._quiet.append(quiet)
        self._wake.set()
        await quiet

    async def drain(self) -> None:
        """Take nothing new, finish what is queued, write a checkpoint. Raises DiskFull when that cannot be written."""
        self._draining = True
        self._refuse_later()
        while self._queue or self._parked:
            await self.at_boundary(self._release_parked)
        await self.at_boundary(self._checkpointer.finish)

    async def _release_parked(self) -> None:
        for customer in list(self._parked):
            for pending, wait, timer in self._parked.pop(customer):
                timer.cancel()
                pending.answer(wait.as_reply())

    async def release(self) -> None:
        """Finish the turn in hand and hold still until ``resume``: nothing is appended, no timer fires. What waits is
        refused, for another shard to do; returns when the loop stands."""
        self._resumed.clear()
        self._refuse_waiting()
        if self._stands:
            return
        held: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held.append(held)
        self._wake.set()
        await held

    def resume(self) -> None:
        """Go on after ``release``."""
        self._ticker.hurry()
        self._resumed.set()

    def _refuse_later(self) -> None:
        for pending in self._later:
            pending.call.refuse(_released())
        self._later.clear()

    def _refuse_waiting(self) -> None:
        self._refuse_later()
        for pending in self._queue:
            pending.call.refuse(_released())
        self._queue.clear()
        for parked in self._parked.values():
            for pending, _, timer in parked:
                timer.cancel()
                pending.call.refuse(_released())
        self._parked.clear()

    async def _hold(self) -> None:
        for held in self._held:
            if not held.done():
                held.set_result(None)
        self._held.clear()
        if self._is_released:
            self._refuse_waiting()
            self._stands = True
            await self._resumed.wait()
            self._stands = False

    async def run(self) -> None:
        """For ever. Overdue timers go first."""
        try:
            await self._fire_overdue()
            while True:
                while self._held or self._is_released:
                    await self._hold()
                await self._round()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.critical("the shard leaves", error=type(error).__name__, detail=str(error), exc_info=True)
            self._die(f"{type(error).__name__}: {error}")

    async def _fire_overdue(self) -> None:
        end_ms = self._parts.clock.real_ms() + limits.OVERDUE_FIRST_MS_MAX
        while not self._is_released and self._parts.clock.real_ms() < end_ms and (due := await self._ticker.due()):
            await self._turn(due, [])

    async def _round(self) -> None:
        self._wake.clear()
        while self._boundary and not self._is_released:
            await self._boundary.popleft()()
        due = await self._ticker.due()
        if self._is_released:
            self._note_again(due)
            return
        room = max(limits.TURN_COMMANDS_MIN, self._pace.room - len(due))
        batch = [self._queue.popleft() for _ in range(min(room, len(self._queue)))]
        spare = min(limits.LATER_PER_TURN_MAX, room - len(batch), len(self._later))
        batch += [self._later.popleft() for _ in range(spare)]
        if due or batch:
            await self._turn(due, batch)
        more = not self._is_released and await self._checkpointer.step()
        if self._ticker.is_quiet:
            self._tell_quiet()
        if due or more or self._queue or self._later or self._boundary or self._ticker.may_find:
            await asyncio.sleep(0)
        else:
            await self._sleep()

    async def _sleep(self) -> None:
        alarm = asyncio.get_running_loop().call_later(max(0.001, self._ticker.wait_s()), self._wake.set)
        await self._wake.wait()
        alarm.cancel()

    def _tell_quiet(self) -> None:
        for quiet in self._quiet:
            if not quiet.done():
                quiet.set_result(None)
        self._quiet.clear()

    async def _turn(self, due: list[bytes], batch: list[Pending]) -> None:
        ticks = Call([Command(TICK, customer, "", {}) for customer in due]).pendings
        started = time.thread_time()
        outcome = await self._runner.run([*ticks, *batch])
        self._pace.turned((time.thread_time() - started) * 1_000, len(ticks) + len(batch))
        self._parts.counters.totals["ticks"] += len(ticks)
        if outcome.is_refused and due:
            self._again_later(due)
        if outcome.is_dry:
            self._ask_coordinator()
        self._park(outcome)

    def _again_later(self, due: list[bytes]) -> None:
        self._note_again(due)
        self._ticker.rest(limits.TIMER_POLL_MS)

    def _note_again(self, due: list[bytes]) -> None:
        for customer in due:
            entry = self._parts.residency.get(customer)
            if entry is not None:
                self._parts.due.note(customer, entry.due_ms)

    def _park(self, outcome: Outcome) -> None:
        """Who waits for a version waits for the customer's next turn, at most until its deadline."""
        for customer in outcome.changed & self._parked.keys():
            for pending, _, timer in reversed(self._parked.pop(customer)):
                timer.cancel()
                self._queue.appendleft(pending)
        for pending, wait in reversed(outcome.waiting):
            if pending.command.customer in outcome.changed:
                self._queue.appendleft(pending)
                continue
            deadline_ms = pending.command.deadline_ms or self._parts.clock.real_ms() + limits.DEADLINE_MS_DEFAULT
            left_s = max(0.0, (deadline_ms - self._parts.clock.real_ms()) / 1_000)
            timer = asyncio.get_running_loop().call_later(left_s, self._give_up, pending, wait)
            self._parked.setdefault(pending.command.customer, []).append((pending, wait, timer))

    def _give_up(self, pending: Pending, wait: Wait) -> None:
        customer = pending.command.customer
        left = [parked for parked in self._parked.get(customer, []) if parked[0] is not pending]
        if left:
            self._parked[customer] = left
        else:
            self._parked.pop(customer, None)
        pending.answer(wait.as_reply())

    def view(self) -> dict[str, Any]:
        return {"backlog": len(self._queue), "parked": sum(map(len, self._parked.values())), "draining": self._draining}
