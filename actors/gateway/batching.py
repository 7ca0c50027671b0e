"""Natural batching: while calls to a shard are in flight the next batch fills, so a hop is paid per batch.

A call takes ``msgpack([Command wires])``, or ``msgpack({"c": [Command wires], "t": [[place of the first, how many,
traceparent]]})`` when some of its commands are traced, and answers ``msgpack({"r": [Reply wires], "t": {"shard": ms,
"score": ms, "commit": ms}})``. When the shard is gone a call may or may not have been executed: the batch is sent again
with the same ids, which the shard's idempotency makes safe, until each caller's own deadline.

The commands of one caller are a *group*: they stay together and in order, in one call. A lane keeps the order of its
groups too. Over a link, calls arrive as they were sent; so a second call may fly while the first is worked on, which
spares the shard the way there and back, but only with so many commands that two turns cost little more than one. What
a lost shard left unanswered is put back in its order and goes alone, before anything else, until the shard answers.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from actors.gateway.problems import Refused, retry_later
from models import canonical, limits
from models.errors import KairosError
from models.turn.commands import Command, Reply

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from actors.gateway.metrics import Metrics
    from actors.gateway.tracing import GatewayTracing

log = structlog.get_logger(__name__)


class ShardGone(KairosError):
    """The shard did not answer and may be restarting; what was asked may have been executed. Ask again."""


class Call(Protocol):
    """Sends a batch. ``follows``: another call is in flight, so on that one's connection or not at all (``ShardGone``);
    a new connection could overtake what the old one lost."""

    async def __call__(self, batch: bytes, follows: bool, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Replies:
    """The replies to a group, in its order, and the milliseconds of the turn that it travelled with."""

    replies: Sequence[Reply]
    timing: dict[str, float]


@dataclass(slots=True, eq=False)
class Group:
    commands: Sequence[Command]
    future: asyncio.Future[Replies]
    #: The shard was gone at least once since this group was sent.
    interrupted: bool = False
    timer: asyncio.TimerHandle | None = None
    #: Of ``perf_counter_ns``: when it came, or came back.
    queued_ns: int = field(default_factory=time.perf_counter_ns)
    #: Of its request, when that is traced.
    span: Span | None = None

    @property
    def size(self) -> int:
        return len(self.commands)

    def expire(self) -> None:
        """The caller's deadline passed: 504, or 503 when the shard was found gone."""
        if self.interrupted:
            self.fail(retry_later(503, "the shard of this customer is restarting; repeat with the same id"))
        else:
            self.fail(Refused(504, "the deadline passed; it may have been done, repeat with the same id"))

    def settle(self, replies: Replies) -> None:
        self._stop()
        if not self.future.done():
            self.future.set_result(replies)

    def fail(self, error: Exception) -> None:
        self._stop()
        if not self.future.done():
            self.future.set_exception(error)

    def _stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()


class Lane:
    """The queue in front of one shard. ``ordered``: groups are applied in the order in which they were submitted,
    whatever is lost on the way; otherwise each call is repeated by itself."""

    def __init__(
        self, call: Call, name: str = "", in_flight_max: int = limits.GATEWAY_CALLS_IN_FLIGHT_MAX, *,
        ordered: bool = True, metrics: Metrics | None = None, tracing: GatewayTracing | None = None,
    ) -> None:
        self._call = call
        self.name = name
        self._metrics = metrics
        self._tracing = tracing
        self._in_flight_max = in_flight_max
        self._ordered = ordered
        self._queue: deque[Group] = deque()
        self._waiting = 0
        self._in_flight = 0
        self._alone = 0
        self._woken = False
        self._sent = 0
        #: What the shard did not answer, by when it was sent, until nothing else is in flight.
        self._returned: dict[int, list[Group]] = {}
        #: One call at a time, until the shard has answered one.
        self._careful = ordered
        self._resting = False
        self._pause_ms = limits.GATEWAY_RETRY_MS_MIN
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Commands that are queued and not yet sent."""
        return self._waiting

    def submit(self, commands: Sequence[Command], wait_ms: float) -> asyncio.Future[Replies]:
        """Queue a group; its future ends within ``wait_ms``, with replies or ``Refused`` (503, 504, 500)."""
        assert 0 < len(commands) <= limits.TURN_COMMANDS_MAX
        if self._waiting + len(commands) > limits.SHARD_QUEUE_MAX:
            raise retry_later(503, "too much is waiting for the shard of this customer")
        group = self._group(commands, wait_ms)
        self._queue.append(group)
        self._waiting += len(commands)
        self._wake()
        return group.future

    def submit_alone(self, command: Command, wait_ms: float) -> asyncio.Future[Replies]:
        """A slow read in a call of its own, so that no batch waits for it."""
        if self._alone >= limits.GATEWAY_SLOW_READS_MAX:
            raise retry_later(503, "too many slow reads are waiting for the shard of this customer")
        group = self._group([command], wait_ms)
        self._alone += 1
        self._start(self._read_alone(group))
        return group.future

    def _group(self, commands: Sequence[Command], wait_ms: float) -> Group:
        loop = asyncio.get_running_loop()
        group = Group(commands, loop.create_future())
        if self._tracing is not None:
            group.span = self._tracing.current()
        group.timer = loop.call_later(wait_ms / 1_000, group.expire)
        return group

    def _wake(self) -> None:
        """Launch at the end of this round of the event loop, with all that arrived in it."""
        if self._queue and not self._woken and self._may_launch():
            self._woken = True
            asyncio.get_running_loop().call_soon(self._launch)

    def _may_launch(self) -> bool:
        if self._in_flight == 0:
            return not self._resting
        if self._careful or self._returned or self._in_flight >= self._in_flight_max:
            return False
        return not self._ordered or self._waiting >= limits.GATEWAY_SECOND_CALL_COMMANDS_MIN

    def _launch(self) -> None:
        self._woken = False
        if self._may_launch():
            batch = self._take()
            if batch:
                self._in_flight += 1
                self._start(self._fly(batch, self._in_flight > 1) if self._ordered else self._send(batch))
        self._wake()

    def _start(self, work: Any) -> None:
        # A fresh context: what Serve knows about the request that happened to launch a batch is not the batch's.
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _take(self) -> list[Group]:
        """Whole groups from the front, up to a turn's worth; those whose callers are gone are dropped."""
        batch: list[Group] = []
        size = 0
        while self._queue and size + len(self._queue[0].commands) <= limits.TURN_COMMANDS_MAX:
            group = self._queue.popleft()
            self._waiting -= len(group.commands)
            if not group.future.done():
                batch.append(group)
                size += len(group.commands)
        return batch

    async def _send(self, batch: list[Group]) -> None:
        try:
            await self._deliver(batch)
        finally:
            self._in_flight -= 1
            self._wake()

    async def _read_alone(self, group: Group) -> None:
        try:
            await self._deliver([group])
        finally:
            self._alone -= 1

    async def _deliver(self, batch: list[Group]) -> None:
        """Send until the shard answers or nobody waits any more."""
        pause_ms = limits.GATEWAY_RETRY_MS_MIN
        while batch and not await self._is_answered(batch):
            await asyncio.sleep(pause_ms / 1_000)
            pause_ms = min(2 * pause_ms, limits.GATEWAY_RETRY_MS_MAX)
            batch = [group for group in batch if not group.future.done()]

    async def _fly(self, batch: list[Group], follows: bool) -> None:
        """One attempt of an ordered lane."""
        self._sent += 1
        number, answered = self._sent, False
        try:
            answered = await self._is_answered(batch, follows)
        finally:
            self._in_flight -= 1
            if not answered:
                self._careful = True
                self._returned[number] = batch
            if self._returned:
                self._put_back()
            else:
                self._careful = False
                self._pause_ms = limits.GATEWAY_RETRY_MS_MIN
                self._wake()

    def _put_back(self) -> None:
        """Once nothing is in flight: what came back unanswered is first in the queue again, after a pause."""
        if self._in_flight:
            return
        groups = [group for number in sorted(self._returned) for group in self._returned[number]]
        self._returned.clear()
        self._queue.extendleft(reversed(groups))
        self._waiting += sum(len(group.commands) for group in groups)
        self._resting = True
        asyncio.get_running_loop().call_later(self._pause_ms / 1_000, self._rested)
        self._pause_ms = min(2 * self._pause_ms, limits.GATEWAY_RETRY_MS_MAX)

    def _rested(self) -> None:
        self._resting = False
        self._wake()

    async def _is_answered(self, batch: list[Group], follows: bool = False) -> bool:
        """One attempt. False: the shard is gone, and may have executed the batch or not."""
        wires = [command.to_wire() for group in batch for command in group.commands]
        flight = self._tracing.fly(batch, self.name) if self._tracing is not None else None
        failure = ""
        try:
            asked = canonical.pack(wires if flight is None else {"c": wires, "t": flight.carried})
            self._settle(batch, await self._timed(batch, asked, follows, len(wires)))
        except ShardGone as error:
            failure = "ShardGone"
            self._gone(batch, error)
            return False
        except Exception as error:
            failure = type(error).__name__
            log.error("shard_call_failed", lane=self.name, error=repr(error), request_ids=_request_ids(batch))
            for group in batch:
                group.fail(Refused(500, "the shard failed; it may have been done, repeat with the same id"))
        finally:
            if flight is not None:
                flight.end(failure)
        return True

    async def _timed(self, batch: list[Group], asked: bytes, follows: bool, commands: int) -> bytes:
        metrics = self._metrics
        if metrics is None:
            return await self._call(asked, follows)
        began_ns = time.perf_counter_ns()
        for group in batch:
            metrics.waited((began_ns - group.queued_ns) / 1e9)
        answer = await self._call(asked, follows)
        metrics.called((time.perf_counter_ns() - began_ns) / 1e9, commands)
        return answer

    def _gone(self, batch: list[Group], error: ShardGone) -> None:
        log.warning("shard_gone", lane=self.name, groups=len(batch), error=str(error), request_ids=_request_ids(batch))
        if self._metrics is not None:
            self._metrics.call_lost()
        now_ns = time.perf_counter_ns()
        for group in batch:
            group.interrupted, group.queued_ns = True, now_ns

    @staticmethod
    def _settle(batch: list[Group], answer: bytes) -> None:
        unpacked = canonical.unpack(answer)
        wires, timing = (unpacked, {}) if type(unpacked) is list else (unpacked["r"], unpacked["t"])
        if len(wires) != sum(len(group.commands) for group in batch):
            raise KairosError(f"asked {sum(len(g.commands) for g in batch)} commands, got {len(wires)} replies")
        start = 0
        for group in batch:
            end = start + len(group.commands)
            group.settle(Replies([Reply.from_wire(wire) for wire in wires[start:end]], timing))
            start = end


def _request_ids(batch: Sequence[Group]) -> list[str]:
    """Of the first few, to find them by; more would be a flood."""
    return [group.commands[0].request_id for group in batch[: limits.LOGGED_REQUEST_IDS_MAX]]
