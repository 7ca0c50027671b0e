"""A conversation with its effects in the test's hands: a clock that only pauses move, and scripted answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cluster.client import Kairos, Lost, Reply, Request, RetryPolicy
from cluster.client.call import Call
from cluster.client.codec import JSON, MSGPACK, Codec
from cluster.client.conversation import Counts, Manner, Pause, Send, converse

#: What an attempt meets: a status, a reply, or how it was lost; called with the request where it is a function.
Met = int | Reply | Lost | Callable[[Request], Reply]


class Script:
    """Answers attempts one after the other; the last answer is given for ever."""

    def __init__(
        self, answers: Iterable[Met], *, retry: RetryPolicy | None = None, timeout_s: float = 30.0,
        chance: float = 0.5, codec: Codec = JSON, attempt_takes_s: float = 0.0,
    ) -> None:
        self.now_s = 1_000.0
        self.sent: list[Request] = []
        self.timeouts_s: list[float] = []
        self.pauses_s: list[float] = []
        self._answers = list(answers)
        self._attempt_takes_s = attempt_takes_s
        self.manner = Manner(
            codec, retry or RetryPolicy(), timeout_s, lambda: self.now_s, lambda: chance, Counts()
        )

    def play(self, call: Call[Any]) -> Any:
        talk = converse(call, self.manner)
        step = next(talk)
        while True:
            answer: Reply | Lost | None = None
            if isinstance(step, Send):
                self.sent.append(step.request)
                self.timeouts_s.append(step.timeout_s)
                self.now_s += self._attempt_takes_s
                answer = self._answer(step.request)
            else:
                assert isinstance(step, Pause)
                self.pauses_s.append(step.seconds)
                self.now_s += step.seconds
            try:
                step = talk.send(answer)
            except StopIteration as finished:
                return finished.value

    def bodies(self) -> list[Any]:
        return [JSON.decode(request.body) for request in self.sent]

    def _answer(self, request: Request) -> Reply | Lost:
        met = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(met, int):
            return said(met, {"detail": f"status {met}"})
        return met if isinstance(met, Reply | Lost) else met(request)


def said(status: int, body: Any, retry_after_s: float | None = None) -> Reply:
    return Reply(status, JSON.encode(body), JSON.media, retry_after_s)


def packed(status: int, body: Any) -> Reply:
    return Reply(status, MSGPACK.encode(body), MSGPACK.media)


class Captured(Exception):
    def __init__(self, call: Call[Any]) -> None:
        super().__init__()
        self.call = call


class _Capturing(Kairos):
    def perform(self, call: Call[Any]) -> Any:
        raise Captured(call)


def built(ask: Callable[[Kairos], Any]) -> Call[Any]:
    """The call that a method of the client makes, before it is sent."""
    try:
        ask(_Capturing("http://nowhere", "key"))
    except Captured as captured:
        return captured.call
    raise AssertionError("no call was made")
