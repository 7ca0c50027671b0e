"""Numbers, money and times as people read them: in the currency and the time zone of the live catalog."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import numbers
from babel.dates import format_datetime
from markupsafe import Markup

LOCALE: Final = "en"
#: What stands where there is no value.
NOTHING: Final = "–"


# A live part shows mostly what it showed a second ago, and each of these takes a tenth of a millisecond.

@lru_cache(maxsize=16_384)
def _number(value: float, digits: int | None) -> str:
    pattern = "#,##0.###" if digits is None else "#,##0" + ("." + "0" * digits if digits else "")
    return numbers.format_decimal(value, format=pattern, locale=LOCALE)


@lru_cache(maxsize=16_384)
def _percent(share: float, digits: int) -> str:
    pattern = "#,##0" + ("." + "0" * digits if digits else "") + "%"
    return numbers.format_percent(share, format=pattern, locale=LOCALE)


@lru_cache(maxsize=4_096)
def _time(value: str | datetime, zone: str, seconds: bool, date: bool) -> Markup:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(ZoneInfo(zone))
    pattern = ("d MMM y, " if date else "") + ("HH:mm:ss" if seconds else "HH:mm") + (" zzz" if date else "")
    shown = format_datetime(moment, pattern, tzinfo=ZoneInfo(zone), locale=LOCALE)
    whole = format_datetime(moment, "EEEE, d MMMM y, HH:mm:ss zzzz", tzinfo=ZoneInfo(zone), locale=LOCALE)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(moment.isoformat(), whole, shown)


@dataclass(frozen=True, slots=True)
class Formats:
    """``currency``: an ISO 4217 code, "" while the catalog is not known (amounts are then plain numbers)."""

    currency: str = ""
    zone: str = "UTC"

    def number(self, value: float | None, digits: int | None = None) -> str:
        """With thousands apart; ``digits`` after the point, as many as it has (at most 3) when not said."""
        if value is None:
            return NOTHING
        return _number(value, digits)

    def compact(self, value: float | None) -> str:
        """In three digits or so: 12.3K, 4.56M."""
        if value is None:
            return NOTHING
        return numbers.format_compact_decimal(value, fraction_digits=1 if abs(value) >= 1_000 else 0, locale=LOCALE)

    def percent(self, share: float | None, digits: int = 1) -> str:
        """Of a share of 1."""
        if share is None:
            return NOTHING
        return _percent(share, digits)

    def money(self, value: float | None, currency: str | None = None) -> str:
        """An amount in the catalog's currency, or in another."""
        if value is None:
            return NOTHING
        code = currency or self.currency
        return numbers.format_currency(value, code, locale=LOCALE) if code else self.number(value, 2)

    def amount(self, value: float | None, unit: str) -> str:
        """Units of a budget: money when the unit is a currency, else a number and its unit."""
        if value is None:
            return NOTHING
        if numbers.is_currency(unit):
            return numbers.format_currency(value, unit, locale=LOCALE, format=None if value != int(value) else "¤#,##0",
                                           currency_digits=False)
        return f"{self.number(value)} {unit}"

    def time(self, value: str | datetime | None, *, seconds: bool = True, date: bool = True) -> Markup:
        """A ``<time>`` in the catalog's zone, with the zone's short name; the date is left out when it is not asked."""
        if value is None:
            return Markup(NOTHING)
        return _time(value, self.zone, seconds, date)

    def duration(self, milliseconds: float | None) -> str:
        """One unit, rounded: 850 ms, 4.2 s, 3 min, 5 h, 12 d."""
        if milliseconds is None:
            return NOTHING
        for size, unit, digits in _DURATIONS:
            if abs(milliseconds) >= size:
                return f"{self.number(round(milliseconds / size, digits))} {unit}"
        return f"{self.number(round(milliseconds, 1))} ms"


_DURATIONS: Final[tuple[tuple[float, str, int], ...]] = (
    (86_400_000, "d", 1), (3_600_000, "h", 1), (60_000, "min", 1), (1_000, "s", 1),
)
