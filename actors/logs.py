"""Structured logs of the actors: one JSON object a line on standard error, which Ray keeps per process.

Tracebacks are plain: never with the values of local variables, which may be somebody's data.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def configure_logs(level: str = "INFO") -> None:
    """``level``: DEBUG, INFO, WARNING or ERROR; an unknown one counts as INFO. May be called again."""
    least = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=_standard_error,
        cache_logger_on_first_use=False,
    )


def _standard_error(*_: Any) -> structlog.PrintLogger:
    return structlog.PrintLogger(sys.stderr)
