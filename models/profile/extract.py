"""What one event gives to one feature. Used by ``apply`` only; no state."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from models import limits
from models.catalog.plan import Feature


def value_for(feature: Feature, properties: Mapping[str, Any]) -> Any:
    """The value of the feature's field in the form its aggregate stores, or None when the event is left out.

    sum, mean: integer millionths. max, min, last, decayed_sum: float. distinct: a tuple of value hashes.
    count, days_since_last: 0, for every event or, with a field, for those in which it is a number.
    """
    if not feature.field:
        return 0
    found: Any = properties
    for part in feature.field:
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    if feature.aggregate == "distinct":
        return distinct_values(found) or None
    number = numeric(found)
    if number is None:
        return None
    if feature.aggregate in ("count", "days_since_last"):
        return 0
    if feature.aggregate in ("sum", "mean"):
        return to_micro(number)
    return float(number)


def numeric(value: Any) -> int | float | None:
    """The value itself when it is a usable number. Not: bool, NaN, infinity, beyond ``limits.FIELD_VALUE_ABS_MAX``."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) and abs(value) <= limits.FIELD_VALUE_ABS_MAX else None
    if kind is int:
        return value if abs(value) <= limits.FIELD_VALUE_ABS_MAX else None
    return None


def to_micro(number: int | float) -> int:
    """Integer millionths; a float is multiplied and then rounded half to even."""
    return round(number * limits.MICRO)


def distinct_values(found: Any) -> tuple[int, ...]:
    """8-byte hashes of the scalars in a list (or of one scalar), in order, each once, at most the bound.

    1 and 1.0 are one value; true and 1 are two. What is no finite number, string or bool counts as no value.
    """
    hashes: dict[int, None] = {}
    for value in found if isinstance(found, list | tuple) else (found,):
        identity = _identity(value)
        if identity is not None:
            hashes[int.from_bytes(hashlib.blake2b(identity, digest_size=8).digest(), "big")] = None
            if len(hashes) == limits.DISTINCT_VALUES_MAX:
                break
    return tuple(hashes)


def _identity(value: Any) -> bytes | None:
    if isinstance(value, str):
        return b"s" + value.encode("utf-8", "surrogatepass")
    if isinstance(value, bool):
        return b"b1" if value else b"b0"
    if isinstance(value, int):
        return b"n%d" % value
    if isinstance(value, float) and math.isfinite(value):
        return b"n%d" % int(value) if value.is_integer() else b"n" + repr(value).encode()
    return None
