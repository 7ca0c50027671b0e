"""When a shard's process looks for cyclic garbage: it makes hardly any, and each search halts every decision.

What survives its first search belongs to a customer's state, which references alone free: no later search looks at it
again. So a search costs what a few turns made, however many customers are in memory.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any, Final

#: Objects made and not yet freed before a search. A turn makes some thousands that die with it: below that number
#: each of them would be looked at for nothing.
_THRESHOLD: Final = 10_000


def settle_garbage() -> None:
    """Call it once, when the process has started: what lives now lives for ever and is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_THRESHOLD)
    if _spare_survivors not in gc.callbacks:
        gc.callbacks.append(_spare_survivors)


def _spare_survivors(phase: str, _: Mapping[str, Any]) -> None:
    """After each search: what it found alive is not looked at again."""
    if phase == "stop":
        gc.freeze()


def search_everything() -> None:
    """Look at every object once, long pause and all: cycles that were alive at their only search go now. Rarely."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
