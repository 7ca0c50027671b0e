"""One byte form per value: what is compared, hashed and replayed goes through here."""

from __future__ import annotations

import hashlib
from typing import Any

import msgpack

from models import limits


def pack(value: Any) -> bytes:
    """Msgpack, doubles as float64, insertion order kept (Kairos builds its dicts in a fixed order)."""
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def unpack(data: bytes) -> Any:
    """The inverse of ``pack``; integer map keys are allowed."""
    return msgpack.unpackb(data, raw=False, strict_map_key=False)


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value


def fingerprint(value: Any) -> bytes:
    """16 bytes that are equal exactly when two values are equal, whatever the order of their keys."""
    return hashlib.blake2b(pack(_ordered(value)), digest_size=16).digest()


def significant(value: float) -> float:
    """Rounded to the digits in which propensities, priorities and probabilities are kept and compared."""
    return float(f"{value:.{limits.SIGNIFICANT_DIGITS}g}")
