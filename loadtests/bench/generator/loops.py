"""Three ways to load: a closed loop over connections, an open loop at a constant rate, a closed loop over streams."""

from __future__ import annotations

import select
from collections.abc import Sequence

from loadtests.bench.generator.connections import HttpConnection, StreamConnection, now
from loadtests.bench.generator.plan import Plan, Result
from loadtests.bench.generator.tally import Tally
from models.errors import BadInput

#: How long answers may still come after the last request was sent.
_DRAIN_S = 30.0


class Readable:
    """The connections that have something to read, by epoll; waits to the microsecond, which epoll alone cannot."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._by_fd: dict[int, HttpConnection | StreamConnection] = {}

    def add(self, connection: HttpConnection | StreamConnection) -> None:
        self._by_fd[connection.socket.fileno()] = connection
        self._epoll.register(connection.socket, select.EPOLLIN)

    def wait(self, seconds: float) -> list[HttpConnection | StreamConnection]:
        found = self._epoll.poll(0)
        if not found and seconds > 0:
            select.select([self._epoll], [], [], seconds)
            found = self._epoll.poll(0)
        return [self._by_fd[fd] for fd, _ in found]

    def again(self, connection: HttpConnection | StreamConnection) -> None:
        """A connection was opened anew; its old descriptor left the epoll when it was closed."""
        self._by_fd = {fd: other for fd, other in self._by_fd.items() if other is not connection}
        self.add(connection)


def closed(plan: Plan, requests: Sequence[bytes]) -> Result:
    """Each connection sends its next request when the last was answered, until time or requests are used up."""
    readable, connections = Readable(), [HttpConnection(plan.port) for _ in range(plan.connections)]
    for connection in connections:
        readable.add(connection)
    waiting = iter(requests)
    tally = Tally(plan.trace)
    until = tally.begin + plan.seconds
    outstanding = 0
    for connection in connections:
        request = next(waiting, None)
        if request is not None:
            connection.send(request, now())
            outstanding += 1
    while outstanding:
        _refuse_endless(until)
        for connection in readable.wait(1.0):
            answers = connection.receive()
            for since, status, raw in answers:
                at = now()
                tally.answered(since, at, status, raw)
                outstanding -= 1
                request = next(waiting, None) if at < until else None
                if request is not None:
                    connection.send(request, now())
                    outstanding += 1
                if not raw:
                    readable.again(connection)
    return _finish(tally, connections)


def at_rate(plan: Plan, requests: Sequence[bytes]) -> Result:
    """Requests are due at a constant rate, whatever the server does; latency counts from when each was due."""
    readable, connections = Readable(), [HttpConnection(plan.port) for _ in range(plan.connections)]
    for connection in connections:
        readable.add(connection)
    free = list(connections)
    total = min(len(requests), int(plan.rate * plan.seconds))
    tally = Tally(plan.trace)
    until = tally.begin + plan.seconds
    sent = outstanding = 0
    while sent < total or outstanding:
        _refuse_endless(until)
        at = now()
        while sent < total and free and tally.begin + sent / plan.rate <= at:
            due = tally.begin + sent / plan.rate
            tally.sent_late(at - due)
            free.pop().send(requests[sent], due)
            sent += 1
            outstanding += 1
            at = now()
        pause = tally.begin + sent / plan.rate - at if sent < total and free else 1.0
        for connection in readable.wait(min(pause, 1.0)):
            for since, status, raw in connection.receive():
                tally.answered(since, now(), status, raw)
                outstanding -= 1
                free.append(connection)
                if not raw:
                    readable.again(connection)
    return _finish(tally, connections)


def streamed(plan: Plan, frames: Sequence[bytes]) -> Result:
    """Each connection keeps ``in_flight`` frames in flight, until time or frames are used up."""
    readable = Readable()
    connections = [StreamConnection(plan.port, plan.path, plan.key) for _ in range(plan.connections)]
    for connection in connections:
        readable.add(connection)
    waiting = iter(enumerate(frames))
    tally = Tally(plan.trace)
    until = tally.begin + plan.seconds
    outstanding = 0
    for connection in connections:
        first = [numbered for _, numbered in zip(range(plan.in_flight), waiting, strict=False)]
        connection.send_all(first, now())
        outstanding += len(first)
    while outstanding:
        _refuse_endless(until)
        for connection in readable.wait(1.0):
            answers = connection.receive()
            at = now()
            for since, status, raw in answers:
                tally.answered(since, at, status, raw)
            outstanding -= len(answers)
            if at < until and answers:
                more = [numbered for _, numbered in zip(range(len(answers)), waiting, strict=False)]
                connection.send_all(more, now())
                outstanding += len(more)
    return _finish(tally, connections)


def _refuse_endless(until: float) -> None:
    if now() > until + _DRAIN_S:
        raise BadInput(f"answers are missing {_DRAIN_S:.0f} s after the end of the round; look at the server's log")


def _finish(tally: Tally, connections: Sequence[HttpConnection | StreamConnection]) -> Result:
    result = tally.result()
    for connection in connections:
        connection.close()
    return result
