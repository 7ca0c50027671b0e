"""A store that cannot be reached at a process's start is waited for: nothing else would make the process of use."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import structlog

from models import limits
from models.errors import StoreAway

_LOG: Final = structlog.get_logger(__name__)
T = TypeVar("T")


def patiently(work: Callable[[], T], sleep: Callable[[float], None] = time.sleep) -> T:
    """What ``work`` returns, once it raises ``StoreAway`` no longer, however long that takes. Blocks; says so now and
    then in the log."""
    waited_ms = 0
    while True:
        try:
            return work()
        except StoreAway as error:
            if waited_ms % limits.LOCK_SAID_MS == 0:
                _LOG.warning("waiting for the store", error=str(error))
        sleep(limits.LOCK_RETRY_MS / limits.SECOND_MS)
        waited_ms += limits.LOCK_RETRY_MS
