"""The gateway's side of traces: the span of a request, and what its calls carry. Made only when traces are on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from opentelemetry.trace import Span

from actors.gateway.access_log import decision_of
from actors.gateway.exchange import Answer, Exchange
from actors.gateway.flight import Flight, Traced, open_flight
from actors.tracing.tracer import Tracer, current, failed, under

REQUEST = "gateway.request"
_FAILED_FROM = 500


class GatewayTracing:
    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, exchange: Exchange) -> Span | None:
        """None for a request that is not sampled."""
        return self._tracer.request(REQUEST, exchange.traceparent.decode("ascii", "replace"))

    def under(self, span: Span | None) -> AbstractContextManager[None]:
        """What is submitted within belongs to this request."""
        return under(span)

    def current(self) -> Span | None:
        return current()

    def fly(self, groups: Sequence[Traced], shard: str) -> Flight | None:
        return open_flight(self._tracer, groups, shard)

    def end(self, span: Span, call: str, exchange: Exchange, answer: Answer) -> None:
        span.set_attributes({
            "kairos.call": call, "http.response.status_code": answer.status, "kairos.request_id": exchange.request_id,
            **{f"kairos.{name}": value for name, value in decision_of(answer).items()},
        })
        if answer.status >= _FAILED_FROM:
            failed(span, str(answer.status))
        span.end()
