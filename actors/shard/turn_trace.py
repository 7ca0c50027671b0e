"""The spans of one turn, when at least one of its requests is traced.

A turn serves many requests at once. Its own span, with its stages, stands in the trace of the first of them and links
to all; in every other trace stands a span of the same time that links to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from actors.shard.laps import SCORE, Laps
from actors.tracing.traceparent import Traceparent
from actors.tracing.tracer import Tracer, failed, read_all, under, written

TURN = "shard.turn"
SHARED = "shard.turn.shared"
COMMIT = "journal.commit"


class TurnTrace:
    def __init__(self, tracer: Tracer, served: Sequence[Traceparent], began_ns: int) -> None:
        """``served``: at least one; ``began_ns``: of ``perf_counter_ns``, as all times here."""
        self._tracer = tracer
        first, *others = served
        self._span = tracer.child(TURN, first, links=served, start_ns=began_ns)
        this = Traceparent.read(written(self._span))
        assert this is not None
        self._shared = [tracer.child(SHARED, other, links=[this], start_ns=began_ns) for other in others]

    @contextmanager
    def scoring(self) -> Iterator[None]:
        """Around the wait for the scorer, which hangs its own span under this one."""
        span = self._tracer.child(f"shard.{SCORE}", self._span)
        try:
            with under(span):
                yield
        finally:
            span.end()

    def end(self, laps: Laps, commands: int, commit_ns: tuple[int, int] | None, error: str = "") -> None:
        """``commit_ns``: when the journal's thread began and ended its part, if it had one."""
        for stage, begin_ns, end_ns in laps.marks:
            if stage != SCORE:
                span = self._tracer.past(f"shard.{stage}", self._span, begin_ns, end_ns)
                if commit_ns is not None and begin_ns <= commit_ns[0] <= end_ns:
                    self._tracer.past(COMMIT, span, *commit_ns)
        self._span.set_attribute("kairos.commands", commands)
        for one in (self._span, *self._shared):
            if error:
                failed(one, error)
            one.end()


def trace_turn(tracer: Tracer | None, traceparents: Sequence[str], began_ns: int) -> TurnTrace | None:
    """None when no request of the turn is traced."""
    if tracer is None:
        return None
    served = read_all(text for text in traceparents if text)
    return TurnTrace(tracer, served, began_ns) if served else None


