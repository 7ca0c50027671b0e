"""Plain scalars of YAML 1.2 (core schema): ``on``, ``off``, ``yes``, ``no`` and dates stay words."""

from __future__ import annotations

import math
import re
from typing import Final

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_INT: Final = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL: Final = re.compile(r"0o[0-7]+\Z")
_HEX: Final = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE: Final = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_DIGITS_MAX: Final = 64
_INT64: Final = 2**63


def plain_scalar(text: str) -> bool | int | float | str | None:
    """The value of an unquoted scalar. Raises ValueError for a number that no other system could carry."""
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _NOT_FINITE.match(text):
        raise ValueError("infinity and NaN are no values; write a number, or quote the text")
    base = 10 if _INT.match(text) else 8 if _OCTAL.match(text) else 16 if _HEX.match(text) else 0
    if base:
        return checked_int(text, base)
    if _FLOAT.match(text):
        return checked_float(text)
    return text


def checked_int(text: str, base: int = 10) -> int:
    value = int(text, 0 if base != 10 else 10) if len(text) <= _DIGITS_MAX else _INT64
    if not -_INT64 <= value < _INT64:
        raise ValueError("the number does not fit 64 bits; quote it if it is text")
    return value


def checked_float(text: str) -> float:
    value = float(text) if len(text) <= _DIGITS_MAX else math.inf
    if not math.isfinite(value):
        raise ValueError("the number is too large or has too many digits; quote it if it is text")
    return value


def whole_text(text: str) -> str:
    """Text whose escaped surrogate pairs (as JSON writes an emoji) are joined. Raises ValueError for half a pair."""
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise ValueError("the text holds half a surrogate pair, which is no character; remove the escape") from None
