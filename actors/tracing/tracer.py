"""Making spans, in one process. Only who was asked for traces has a ``Tracer``; all others hold None and skip.

Whether a request is traced is decided once, at the gateway, before any span exists; what it calls is told by a
``traceparent`` and follows. Spans carry ids of requests and decisions, sizes and versions, never a customer's id, a
body or a key.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, TraceFlags, set_span_in_context
from opentelemetry.trace import Tracer as OtelTracer
from opentelemetry.trace.status import Status, StatusCode

from actors.tracing.current import traceparent_of
from actors.tracing.traceparent import Traceparent

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_CURRENT: Final[ContextVar[Span | None]] = ContextVar("kairos_span", default=None)
#: From ``perf_counter_ns`` to wall time, which spans have: read once, so that one process's spans agree.
_WALL_NS: Final = time.time_ns() - time.perf_counter_ns()


class Tracer:
    def __init__(self, provider: TracerProvider, ratio: float = 1.0) -> None:
        self._provider = provider
        self._tracer: OtelTracer = provider.get_tracer("kairos")
        self._ratio = ratio

    def request(self, name: str, header: str) -> Span | None:
        """The root of what this installation does for a request; None when it is not one of the sampled."""
        caller = Traceparent.read(header) if header else None
        if caller is None:
            return self._tracer.start_span(name) if random.random() < self._ratio else None
        if not caller.is_sampled or not caller.falls_within(self._ratio):
            return None
        return self.child(name, caller)

    def child(
        self, name: str, parent: Span | Traceparent, links: Iterable[Traceparent] = (), start_ns: int | None = None,
    ) -> Span:
        """``start_ns``: of ``perf_counter_ns``; now by default."""
        around = NonRecordingSpan(_context(parent)) if isinstance(parent, Traceparent) else parent
        return self._tracer.start_span(
            name, set_span_in_context(around), links=[Link(_context(other)) for other in links],
            start_time=None if start_ns is None else start_ns + _WALL_NS,
        )

    def past(
        self, name: str, parent: Span, start_ns: int, end_ns: int, attributes: Mapping[str, Any] | None = None
    ) -> Span:
        """A span of what is over, both times of ``perf_counter_ns``."""
        span = self.child(name, parent, start_ns=start_ns)
        span.set_attributes(attributes or {})
        span.end(end_ns + _WALL_NS)
        return span

    def flush(self) -> None:
        """Hand over what is gathered, within the exporter's own bounds."""
        self._provider.force_flush()

    def stop(self) -> None:
        self._provider.shutdown()


def current() -> Span | None:
    """The span under which the caller works, None when it is not traced."""
    return _CURRENT.get()


@contextmanager
def under(span: Span | None) -> Iterator[None]:
    """What is called within works under this span."""
    token = _CURRENT.set(span)
    try:
        with traceparent_of(None if span is None else written(span)):
            yield
    finally:
        _CURRENT.reset(token)


def written(span: Span) -> str:
    """Its ``traceparent``, for another process."""
    context = span.get_span_context()
    return Traceparent(context.trace_id, context.span_id, is_sampled=True).write()


def read_all(texts: Iterable[str]) -> list[Traceparent]:
    """What was carried here, each trace once, in order; what is malformed is left out."""
    found = (Traceparent.read(text) for text in texts)
    return list({one.trace_id: one for one in found if one is not None}.values())


def failed(span: Span, what: str) -> None:
    """Mark a span as failed; ``what`` is a type or a status, never a message that may tell of somebody."""
    span.set_status(Status(StatusCode.ERROR, what))


def _context(of: Traceparent) -> SpanContext:
    return SpanContext(of.trace_id, of.span_id, is_remote=True, trace_flags=_SAMPLED)
