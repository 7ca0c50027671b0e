"""The ``traceparent`` of what is being worked on, for those who carry it elsewhere and make no spans themselves.

Apart from the tracer, so that who only carries imports nothing of OpenTelemetry.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_TRACEPARENT: Final[ContextVar[str]] = ContextVar("kairos_traceparent", default="")


def current_traceparent() -> str:
    """"" when nothing here is traced."""
    return _TRACEPARENT.get()


@contextmanager
def traceparent_of(text: str | None) -> Iterator[None]:
    token = _TRACEPARENT.set(text or "")
    try:
        yield
    finally:
        _TRACEPARENT.reset(token)
