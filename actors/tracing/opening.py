"""The tracer of this process, made from its settings; None when traces are off.

OpenTelemetry is imported here only, and only when it is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import structlog

from actors.tracing.setting import CONSOLE, EXPORTER, TraceSetting, require_exporter
from models.errors import BadInput

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

    from actors.tracing.tracer import Tracer

log = structlog.get_logger(__name__)


def open_tracer(plain: Mapping[str, Any], **process: str | int) -> Tracer | None:
    """``plain``: what the actor was told at its start. ``process``: what its spans say of it (``kind``, ``shard``).

    An exporter that this node lacks is said once and costs the traces, not the actor.
    """
    setting = TraceSetting.from_plain(plain)
    if setting.is_off:
        return None
    try:
        require_exporter(setting)
    except BadInput as error:
        log.error("traces_are_off", error=str(error))
        return None
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    from actors.tracing.tracer import Tracer

    resource = Resource({"service.name": "kairos", **{f"kairos.{name}": value for name, value in process.items()}})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(_processor(setting))
    return Tracer(provider, setting.ratio)


def _processor(setting: TraceSetting) -> SpanProcessor:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    if setting.kind == CONSOLE:
        out = sys.__stderr__ or sys.stderr  # in a replica Serve has put something else in the place of the latter
        return BatchSpanProcessor(ConsoleSpanExporter(out=out, formatter=lambda span: f"{span.to_json(None)}\n"))
    exporter = import_module(f"{EXPORTER}.trace_exporter").OTLPSpanExporter(endpoint=setting.url)
    return BatchSpanProcessor(exporter)
