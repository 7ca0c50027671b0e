"""One factor of a priority."""

from __future__ import annotations

import sys


def power(base: float, exponent: float) -> float:
    """``base ** exponent`` without errors: exponent 0 switches a factor off, a base of 0 or less is 0."""
    if exponent == 0.0:
        return 1.0
    if base <= 0.0:
        return 0.0
    if exponent == 1.0:
        return base
    try:
        return float(base**exponent)
    except OverflowError:
        return sys.float_info.max
