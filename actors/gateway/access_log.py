"""Which requests the gateway logs: failures always, but no flood of them; the others when asked for.

A line says the call, its status and its ids, never who called, for whom or with what.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, Final

import structlog

from actors.gateway.exchange import Answer, Exchange
from models import canonical, limits

log = structlog.get_logger(__name__)
_FAILED_FROM: Final = 500


class AccessLog:
    """``ratio``: the share of answered requests that get a line; 1 for all."""

    def __init__(self, ratio: float = 0.0, now_s: Callable[[], float] = time.monotonic) -> None:
        self._ratio = ratio
        self._now_s = now_s
        self._second = -1
        #: Failures in this second, by call and status.
        self._failures: dict[tuple[str, int], int] = {}

    def answered(self, call: str, exchange: Exchange, answer: Answer, seconds: float) -> None:
        if answer.status >= _FAILED_FROM:
            self._failed(call, exchange, answer, seconds)
        elif self._ratio and random.random() < self._ratio:
            log.info("request", **_line(call, exchange, answer, seconds), **decision_of(answer))

    def _failed(self, call: str, exchange: Exchange, answer: Answer, seconds: float) -> None:
        second = int(self._now_s())
        if second != self._second:
            left_out = sum(max(0, count - limits.LOGGED_FAILURES_PER_S) for count in self._failures.values())
            if left_out:
                log.warning("requests_failed", count=left_out)
            self._second, self._failures = second, {}
        count = self._failures[call, answer.status] = self._failures.get((call, answer.status), 0) + 1
        if count <= limits.LOGGED_FAILURES_PER_S:
            log.warning("request_failed", **_line(call, exchange, answer, seconds))


def _line(call: str, exchange: Exchange, answer: Answer, seconds: float) -> dict[str, str | int | float]:
    return {
        "call": call, "status": answer.status, "took_ms": round(seconds * 1_000, 3), "request_id": exchange.request_id,
    }


def decision_of(answer: Answer) -> dict[str, str]:
    """``decision_id``, when the answer is about one decision."""
    body: Any = answer.value if answer.packed is None else canonical.unpack(answer.packed)
    decision_id = body.get("decision_id") if type(body) is dict else None
    return {"decision_id": decision_id} if type(decision_id) is str and decision_id else {}
