"""Templates to text. Everything that is put in is escaped; a name that is not given is an error, not a blank."""

from __future__ import annotations

import hashlib
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson
from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined

from cluster.console import address
from cluster.console.formats import Formats
from cluster.console.marked import Marked
from cluster.console.static_files import StaticFiles

FOLDER: Final = Path(__file__).parent / "templates"
#: In whose formats a template writes numbers and times: macros see no context of the page that uses them.
_FORMATS: ContextVar[Formats] = ContextVar("formats")


class Renderer:
    """The templates of one process, compiled once."""

    def __init__(self, static: StaticFiles, loader: BaseLoader | None = None) -> None:
        environment = Environment(
            loader=loader or FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True, auto_reload=False,
        )
        self._environment: Final = environment
        environment.globals |= {
            "asset": static.address, "stylesheets": [static.address(name) for name in static.names("css")],
            "page_address": address.page, "marked": Marked(_FORMATS.get),
        }
        for name in ("number", "compact", "percent", "money", "amount", "time", "duration"):
            environment.filters[name] = partial(_formatted, name)
        environment.filters["json"] = _json
        templates = "".join(path.read_text() for path in sorted(FOLDER.rglob("*.html")))
        #: Changes when templates, scripts or styles do: part of every fragment's ETag.
        self.version: Final = hashlib.sha256(f"{templates}{static.digest()}".encode()).hexdigest()[:12]

    def render(self, template: str, formats: Formats, context: dict[str, Any]) -> str:
        token = _FORMATS.set(formats)
        try:
            return self._environment.get_template(template).render(context)
        finally:
            _FORMATS.reset(token)


def _formatted(name: str, value: Any, *args: Any, **kwargs: Any) -> Any:
    return getattr(_FORMATS.get(), name)(value, *args, **kwargs)


def _json(value: Any, indented: bool = False) -> str:
    """JSON as text: escaped like any other when it is written into a page."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 if indented else None).decode()
