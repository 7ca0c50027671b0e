"""Field types of the catalog: ids, durations, times, zones. Text stays text; ``compile`` turns it into numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from models import limits
from models.errors import BadInput
from models.times import parse_time_ms

_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd])\Z")
_UNIT_MS: Final = {"s": limits.SECOND_MS, "m": limits.MINUTE_MS, "h": limits.HOUR_MS, "d": limits.DAY_MS}
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\Z")
_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PATH: Final = re.compile(r"[^.\s][^.]*(\.[^.]+)*\Z")
#: Words of the rule language: ``profile.in`` would not compile.
_RESERVED: Final = frozenset({
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
    "loop", "package", "namespace", "return", "var", "void", "while",
})


class Shape(BaseModel):
    """Base of every model of the file: unknown keys and loose types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def parse_duration_ms(text: str) -> int:
    """``90s``, ``30m``, ``24h``, ``7d`` -> milliseconds. Raises ValueError."""
    match = _DURATION.match(text)
    if match is None:
        raise ValueError(f"not a duration: {text[:40]!r}; write a whole number and s, m, h or d, like 90s or 7d")
    return int(match.group(1)) * _UNIT_MS[match.group(2)]


def duration_text(span_ms: int) -> str:
    """Milliseconds (whole seconds) -> the shortest text that ``parse_duration_ms`` reads back."""
    for unit in ("d", "h", "m", "s"):
        if span_ms % _UNIT_MS[unit] == 0:
            return f"{span_ms // _UNIT_MS[unit]}{unit}"
    raise ValueError(f"{span_ms} ms is no whole number of seconds")


def _duration_up_to(longest_ms: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        span_ms = parse_duration_ms(text)
        if span_ms <= 0:
            raise ValueError("a duration is longer than zero")
        if span_ms > longest_ms:
            raise ValueError(f"the duration {text} is longer than {duration_text(longest_ms)}, the longest here")
        return text

    return check


def parse_clock_minutes(text: str) -> int:
    """``21:00`` -> minutes after midnight. Raises ValueError."""
    match = _CLOCK.match(text)
    if match is None:
        raise ValueError(f"not a time of day: {text[:40]!r}; write it quoted, from \"00:00\" to \"23:59\"")
    return int(match.group(1)) * 60 + int(match.group(2))


def _clock(text: str) -> str:
    parse_clock_minutes(text)
    return text


def _time(text: str) -> str:
    try:
        parse_time_ms(text)
    except BadInput as error:
        raise ValueError(error.detail) from None
    return text


def load_zone(name: str) -> ZoneInfo:
    """An IANA time zone. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name[:60]!r}; write an IANA name like America/New_York or UTC") from None


def _zone(name: str) -> str:
    load_zone(name)
    return name


def _id(text: str) -> str:
    if _ID.match(text) is None:
        raise ValueError(f"not an id: {text[:40]!r}; letters, digits, _, - and dots, and no leading dot or dash")
    return text


def _name(text: str) -> str:
    if _NAME.match(text) is None or text in _RESERVED:
        raise ValueError(f"not a name that rules can read: {text[:40]!r}; letters, digits and _, no leading digit")
    return text


def _path(text: str) -> str:
    if _PATH.match(text) is None or text.count(".") >= limits.FIELD_PATH_PARTS_MAX:
        raise ValueError(f"not a path: {text[:40]!r}; up to {limits.FIELD_PATH_PARTS_MAX} keys joined by dots")
    return text


def plain_content(value: Any, depth: int = 0) -> Any:
    """Free-form content with its keys in one order, so that equal catalogs are equal bytes. Raises ValueError."""
    if depth > limits.BODY_DEPTH_MAX:
        raise ValueError(f"nested deeper than {limits.BODY_DEPTH_MAX} levels; flatten it")
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("every key of content is text; quote it")
        return {key: plain_content(value[key], depth + 1) for key in sorted(value)}
    if isinstance(value, list):
        return [plain_content(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("infinity and NaN are no content")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("the number does not fit 64 bits; quote it")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"{type(value).__name__} is no content; write text, numbers, booleans, lists and mappings")


_SHORT: Final = Field(min_length=1, max_length=limits.ID_CHARS_MAX)
Id = Annotated[str, _SHORT, AfterValidator(_id)]
#: An id that rules read as ``profile.x`` or ``segments.x``.
Name = Annotated[str, _SHORT, AfterValidator(_name)]
#: Free text that is compared exactly: an event type, a consent purpose, a unit, a tag.
Word = Annotated[str, _SHORT]
FieldPath = Annotated[str, _SHORT, AfterValidator(_path)]
RuleText = Annotated[str, Field(min_length=1)]
Zone = Annotated[str, _SHORT, AfterValidator(_zone)]
TimeText = Annotated[str, _SHORT, AfterValidator(_time)]
ClockText = Annotated[str, AfterValidator(_clock)]
Window = Annotated[str, AfterValidator(_duration_up_to(limits.WINDOW_MS_MAX))]
Observe = Annotated[str, AfterValidator(_duration_up_to(limits.EXPERIMENT_OBSERVE_MS_MAX))]
HoldTtl = Annotated[str, AfterValidator(_duration_up_to(limits.HOLD_TTL_MS_MAX))]
Percent = Annotated[float, Field(ge=-100.0, le=10_000.0)]
Content = Annotated[dict[str, Any], AfterValidator(plain_content)]
