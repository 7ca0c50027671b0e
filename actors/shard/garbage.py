"""When a shard's process looks for cyclic garbage: it makes hardly any, and each search halts every decision."""

from __future__ import annotations

import gc
from typing import Final

#: Objects made and not yet freed before a search. A turn makes some thousands that die with it: below that number
#: each of them would be looked at for nothing. The second and third bound are searches before an older generation's.
_THRESHOLDS: Final = (50_000, 20, 20)


def settle_garbage() -> None:
    """Call it once, when the process has started: what lives now lives for ever and is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
