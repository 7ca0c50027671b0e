"""``traces: off | console | otlp:URL`` and the ratio, read and checked wherever they are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final, Self
from urllib.parse import urlsplit

from models.errors import BadInput

OFF: Final = "off"
CONSOLE: Final = "console"
OTLP: Final = "otlp"
#: The package of the optional extra.
EXPORTER: Final = "opentelemetry.exporter.otlp.proto.http"
_PATH: Final = "/v1/traces"


@dataclass(frozen=True, slots=True)
class TraceSetting:
    kind: str = OFF
    #: Where OTLP over HTTP is taken, with its path; "" for the others.
    url: str = ""
    #: The share of requests whose spans are made, in [0, 1].
    ratio: float = 1.0

    @property
    def is_off(self) -> bool:
        return self.kind == OFF or self.ratio <= 0

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """From the dict that the composition root passes: ``traces`` and ``trace_ratio``. Raises ``BadInput``."""
        return cls.parse(str(plain.get("traces", OFF)), float(plain.get("trace_ratio", 1.0)))

    @classmethod
    def parse(cls, text: str, ratio: float = 1.0) -> Self:
        """Raises ``BadInput`` with what may be said instead."""
        kind, _, url = text.partition(":")
        if text in (OFF, CONSOLE):
            return cls(text, "", ratio)
        if kind != OTLP:
            raise BadInput(f"traces: {text[:100]!r} is not known; say off, console, or otlp:URL")
        return cls(OTLP, _checked(url), ratio)


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadInput(f"traces: the URL after otlp: cannot be read ({error})") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput("traces: say otlp:URL with an http or https URL, as in otlp:http://127.0.0.1:4318")
    if parts.username or parts.password or parts.query:
        raise BadInput("traces: no credentials in the URL; set OTELEXPORTER_OTLP_HEADERS on each node instead")
    return url if parts.path.strip("/") else url.rstrip("/") + _PATH


def require_exporter(setting: TraceSetting) -> None:
    """Raises ``BadInput`` when the exporter that the setting needs is not installed here."""
    if setting.kind == OTLP and not _is_installed():
        raise BadInput(
            "traces: otlp needs an exporter that is not installed; on each node: pip install 'kairos-decisioning[otlp]'"
        )


def _is_installed() -> bool:
    try:
        return find_spec(EXPORTER) is not None
    except ModuleNotFoundError:
        return False
