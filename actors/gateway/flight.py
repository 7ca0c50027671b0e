"""The spans of one call to a shard: each traced request's wait in its lane, and the call, which the shard hangs its
turn under."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from opentelemetry.trace import Span

from actors.tracing.tracer import Tracer, failed, written

WAIT = "gateway.batch_wait"
CALL = "gateway.link_call"


class Traced(Protocol):
    """What is needed of a group of commands."""

    span: Span | None
    queued_ns: int

    @property
    def size(self) -> int: ...


class Flight:
    def __init__(self, tracer: Tracer, groups: Sequence[Traced], shard: str) -> None:
        """``groups``: all that travel together; the call begins now."""
        now_ns = time.perf_counter_ns()
        self._spans: list[Span] = []
        #: [place of the first command, how many, traceparent] of each traced group.
        self.carried: list[tuple[int, int, str]] = []
        place = 0
        for group in groups:
            if group.span is not None:
                tracer.past(WAIT, group.span, group.queued_ns, now_ns)
                call = tracer.child(CALL, group.span, start_ns=now_ns)
                call.set_attribute("kairos.shard", shard)
                self._spans.append(call)
                self.carried.append((place, group.size, written(call)))
            place += group.size

    def end(self, error: str = "") -> None:
        for span in self._spans:
            if error:
                failed(span, error)
            span.end()


def open_flight(tracer: Tracer, groups: Sequence[Traced], shard: str) -> Flight | None:
    """None when nobody in it is traced."""
    return Flight(tracer, groups, shard) if any(group.span is not None for group in groups) else None
