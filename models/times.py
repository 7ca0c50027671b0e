"""Times are integers: milliseconds since the Unix epoch, UTC (``*_ms``). RFC 3339 only at the edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from models import limits
from models.errors import BadInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def parse_time_ms(text: str) -> int:
    """RFC 3339 with an offset -> milliseconds (digits beyond are cut off). Raises ``BadInput``."""
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError) as error:
        raise BadInput(f"not an RFC 3339 time: {str(text)[:64]!r}; write 2026-11-02T18:03:11-05:00") from error
    if moment.tzinfo is None:
        raise BadInput(f"the time {text!r} has no offset; add Z or one like -05:00")
    if not limits.YEAR_MIN <= moment.year < limits.YEAR_MAX:
        raise BadInput(f"the year of {text!r} is outside {limits.YEAR_MIN} to {limits.YEAR_MAX - 1}")
    return (moment - _EPOCH) // _MILLISECOND


@lru_cache(maxsize=1024)
def format_time(at_ms: int) -> str:
    """Milliseconds -> RFC 3339 in UTC with ``Z``; the fraction is left out when it is zero."""
    seconds, millis = divmod(at_ms, 1_000)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{millis:03d}Z" if millis else f"{text}Z"


def local_datetime(at_ms: int, zone: timezone | object) -> datetime:
    """The moment in a zone, with a *fixed* offset (the rule engine refuses a named zone)."""
    moment = (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone)  # type: ignore[arg-type]
    offset = moment.utcoffset()
    assert offset is not None
    return moment.replace(tzinfo=timezone(offset))
