"""One byte form per value: what is compared, hashed and replayed goes through here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

import msgpack
import numpy as np
from numpy.typing import NDArray

from models import limits

#: Powers of ten at which a double's leading digit changes, and the (exact) factors that bring all kept digits before
#: the point, per place between two of them.
_LEADING: Final = np.array([float(f"1e{exponent}") for exponent in range(-14, 10)])
_SCALES: Final = np.array([float(f"1e{limits.SIGNIFICANT_DIGITS - 1 - exponent}") for exponent in range(-14, 9)])
#: Bytes that a packer reserves at first: what is packed is hardly ever longer, while the library starts at a megabyte.
_PACK_BYTES: Final = 2_048
#: Nearer than this to a tie a scaled double does not tell on which side its decimal value lies.
_TIE: Final = 1e-5


def pack(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """Msgpack, doubles as float64, insertion order kept (Kairos builds its dicts in a fixed order). ``default`` gives
    what stands for a value of a type that msgpack does not know."""
    packed: bytes = msgpack.Packer(default=default, use_bin_type=True, buf_size=_PACK_BYTES).pack(value)
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


def significant_all(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """``significant`` of every value of an array, to the same bits, without making text of each.

    Scaled by an exact power of ten the kept digits are an integer, and that integer divided by the same power is the
    nearest double to the decimal number: what parsing the text gives. Left to ``significant`` is what no exact power
    reaches, and what lies so near a tie that the product's own rounding could decide it.
    """
    place = np.searchsorted(_LEADING, values, "right") - 1
    reached = (place >= 0) & (place < len(_SCALES))
    scale = _SCALES[np.where(reached, place, 0)]
    scaled = np.where(reached | (values == 0.0), values, 0.0) * scale
    rounded: NDArray[np.float64] = np.rint(scaled)
    doubtful = ~reached | (np.abs(np.abs(scaled - rounded) - 0.5) < _TIE)
    rounded /= scale
    for at in np.flatnonzero(doubtful & (values != 0.0)).tolist():
        rounded[at] = significant(float(values[at]))
    return rounded
