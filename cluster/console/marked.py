"""Values as elements that carry the machine's form, so that tables are copied exactly: what templates call macros.

A page holds hundreds of them, mostly those of a second ago: each is made once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, Final

from jinja2.runtime import Macro
from markupsafe import Markup

from cluster.console.formats import NOTHING, Formats
from models import limits

_NOTHING: Final = Markup('<span class="nothing">{}</span>').format(NOTHING)
_DATA: Final = Markup('<data value="{}">{}</data>')


@lru_cache(maxsize=16_384, typed=True)
def _data(formats: Formats, form: str, value: float | None, *args: Any) -> Markup:
    return _NOTHING if value is None else _DATA.format(value, getattr(formats, form)(value, *args))


class Marked:
    """``formats``: in whose formats a value is written just now. ``None`` is a dash."""

    def __init__(self, formats: Callable[[], Formats]) -> None:
        self._formats = formats
        #: (formats, macro, value) -> what was made of it.
        self._rows: dict[tuple[Formats, str, Hashable], Markup] = {}

    def row(self, macro: Macro, of: Hashable) -> Markup:
        """What ``macro`` makes of ``of`` alone, a value that cannot change: made once while it is shown."""
        key = self._formats(), macro.name, of
        made = self._rows.get(key)
        if made is None:
            if len(self._rows) >= limits.CONSOLE_ROWS_KEPT_MAX:
                self._rows.clear()
            made = self._rows[key] = Markup(macro(of))
        return made

    def number(self, value: float | None, digits: int | None = None) -> Markup:
        return _data(self._formats(), "number", value, digits)

    def percent(self, share: float | None, digits: int = 1) -> Markup:
        return _data(self._formats(), "percent", share, digits)

    def money(self, value: float | None, currency: str | None = None) -> Markup:
        return _data(self._formats(), "money", value, currency)

    def amount(self, value: float | None, unit: str) -> Markup:
        return _data(self._formats(), "amount", value, unit)

    def duration(self, milliseconds: float | None) -> Markup:
        return _data(self._formats(), "duration", milliseconds)

    def time(self, value: Any, seconds: bool = True, date: bool = True) -> Markup:
        return _NOTHING if value is None else self._formats().time(value, seconds=seconds, date=date)
