"""The scorer's span of one matrix, in the trace of the turn that asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from actors.scoring.wire import Asked
from actors.tracing.traceparent import Traceparent
from actors.tracing.tracer import Tracer, failed

PREDICT = "scorer.predict"
EXPLAIN = "scorer.explain"


@contextmanager
def predicting(tracer: Tracer, asked: Asked) -> Iterator[None]:
    """Around the work, waiting for other matrices included."""
    parent = Traceparent.read(asked.traceparent)
    if parent is None:
        yield
        return
    span = tracer.child(EXPLAIN if asked.explain else PREDICT, parent)
    span.set_attributes({"kairos.rows": len(asked.matrix), "kairos.scorer_version": asked.version or ""})
    try:
        yield
    except BaseException as error:
        failed(span, type(error).__name__)
        raise
    finally:
        span.end()
