"""A call from its first attempt to its result, as effects: send this, pause so long. Shells do them, or tests.

Sync and async clients run this one generator; it knows no socket, no event loop, and no clock but the one it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from cluster.client.call import Call
from cluster.client.codec import Codec
from cluster.client.errors import ClientError, Unreachable, refusal
from cluster.client.retry import RetryPolicy, may_repeat
from cluster.client.wire import Lost, Reply, Request

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    request: Request
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(slots=True)
class Counts:
    """What became of the attempts of a client."""

    attempts: int = 0
    #: How often a call, or a part of a batch, had to be asked again.
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Manner:
    """How a client talks."""

    codec: Codec
    retry: RetryPolicy
    #: For how long a call is waited for, its repeats and pauses included.
    timeout_s: float
    clock: Callable[[], float]
    #: Draws from [0, 1).
    chance: Callable[[], float]
    counts: Counts


#: Yields effects; is sent a reply, how it was lost, or None after a pause; returns the result.
Conversation = Generator[Send | Pause, Reply | Lost | None, T]


def converse(call: Call[T], manner: Manner) -> Conversation[T]:
    """Raises ``Refused`` and ``Unreachable``. A batch of which parts stay unanswered is returned with them."""
    clock, counts, retry = manner.clock, manner.counts, manner.retry
    timeout_s = manner.timeout_s if call.timeout_s is None else call.timeout_s
    give_up_s = clock() + timeout_s
    left_s, attempts = timeout_s, 0
    #: What a batch has so far.
    partly: list[T] = []
    while True:
        got = yield Send(call.request(left_s, manner.codec), call.attempt_s(left_s))
        attempts += 1
        counts.attempts += 1
        retry_after_s: float | None = None
        failure: ClientError | None = None
        if isinstance(got, Reply) and got.status < 300:
            partly[:] = [call.read(got)]
            if call.is_finished():
                return partly[0]
            repeat = True
        elif isinstance(got, Reply):
            failure = refusal(call.name, got.status, got.problem(), attempts)
            repeat, retry_after_s = may_repeat(got.status, conditional=call.conditional), got.retry_after_s
        else:
            assert got is not None, "a Send is answered by a Reply or by how it was lost"
            failure = Unreachable(call.name, got.reason, attempts)
            repeat = not (got.sent and call.conditional)
        pause_s = retry.pause_s(attempts, manner.chance(), retry_after_s)
        if not repeat or not retry.allows(attempts) or clock() + pause_s >= give_up_s:
            if partly:
                return partly[0]
            assert failure is not None, "neither an answer nor a failure"
            raise failure
        counts.repeats += 1
        yield Pause(pause_s)
        left_s = max(give_up_s - clock(), 0.001)
