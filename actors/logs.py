"""Structured logs of the actors: one JSON object a line on standard error, which Ray keeps per process.

Every line says when (``timestamp``), how grave (``level``), what (``event``, in words that never change from line to
line), and which process wrote it: ``process`` (gateway, shard, coordinator, scorer, supervisor), ``node``, ``pid``, and
of a shard ``shard``, ``incarnation`` and, once it owns its journal, ``epoch``. What else a line may say is listed in
``actors.log_fields``; a line about requests names them by ``request_id`` or ``request_ids``, and a decision by
``decision_id``. No line says a customer's id, a body, a key, a password or a token. Tracebacks are plain: never with
the values of local variables, which may be somebody's data.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

#: Set once per process, by who starts it; on every line.
_PROCESS: dict[str, str | int] = {}


def configure_logs(level: str = "INFO", *, in_replica: bool = False, **process: str | int) -> None:
    """``level``: DEBUG, INFO, WARNING or ERROR; an unknown one counts as INFO. May be called again. ``process``: see
    ``identify``. ``in_replica``: Serve puts a logger in the place of a replica's standard error, which drops what it
    is given; then the process's own is meant."""
    least = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            _with_process,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=_own_standard_error if in_replica else _standard_error,
        cache_logger_on_first_use=False,
    )
    if process:
        _PROCESS.clear()
        identify(node=socket.gethostname(), pid=os.getpid(), **process)


def identify(**process: str | int) -> None:
    """What every later line of this process says of it, beside what was said before: ``epoch`` once it is known."""
    _PROCESS.update(process)


def _with_process(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """What the line says itself counts."""
    return {**event, **{name: value for name, value in _PROCESS.items() if name not in event}}


def _standard_error(*_: Any) -> structlog.WriteLogger:
    return structlog.WriteLogger(sys.stderr)


def _own_standard_error(*_: Any) -> structlog.WriteLogger:
    return structlog.WriteLogger(sys.__stderr__)
