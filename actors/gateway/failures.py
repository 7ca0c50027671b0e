"""What a call that raised is answered with, whatever carried it."""

from __future__ import annotations

import traceback
from typing import Final

import structlog

from actors.gateway.exchange import Answer, Exchange
from actors.gateway.problems import Refused
from actors.gateway.services import Services

_UNKNOWN: Final = "an error of the server; it may have been done, repeat with the same id"

log = structlog.get_logger(__name__)


def failed(error: Exception, call: str, exchange: Exchange, services: Services) -> Answer:
    """The problem that a refusal names; for any other error 500, with the trace in the log."""
    services.deny(error, call, exchange)
    if not isinstance(error, Refused):
        # The trace without the values of variables: they may hold keys and customers.
        trace = "".join(traceback.format_exception(error))
        log.error("request_failed", call=call, request_id=exchange.request_id, trace=trace)
        error = Refused(500, _UNKNOWN)
    return Answer(error.status, error.body(exchange.request_id), headers=error.headers)
