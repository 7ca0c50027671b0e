"""Keeps the Serve applications in being. Serve itself replaces replicas and restarts its controller; what it cannot do
is come back when the cluster's memory is lost: then what is missing is deployed again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger(__name__)
_LOOK_S: Final = 5.0
#: After an attempt that failed.
_PAUSE_S: Final = 10.0


class ServingKeeper:
    """``look`` is quick; deploying is done beside it, one attempt at a time. ``missing`` names the applications that
    should be there and are not, ``deploy`` brings those that are named, or all when none is; both may raise anything,
    which is logged and tried again."""

    def __init__(
        self, missing: Callable[[], list[str]], deploy: Callable[[list[str]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._missing, self._deploy, self._clock = missing, deploy, clock
        self._next_s = 0.0
        self._work: threading.Thread | None = None
        self._demanded = False
        self.deployed = 0

    @property
    def is_deploying(self) -> bool:
        return self._work is not None and self._work.is_alive()

    def look(self) -> None:
        if self.is_deploying or self._clock() < self._next_s:
            return
        self._next_s = self._clock() + _LOOK_S
        self._work = threading.Thread(target=self._keep, name="serving", daemon=True)
        self._work.start()

    def demand(self) -> None:
        """Deploy at the next look, whatever is there."""
        self._demanded, self._next_s = True, 0.0

    def wait(self, timeout_s: float) -> None:
        """Until the attempt that is under way has ended."""
        if self._work is not None:
            self._work.join(timeout_s)

    def _keep(self) -> None:
        try:
            demanded, self._demanded = self._demanded, False
            missing = self._missing()
            if not missing and not demanded:
                return
            log.info("deploying to Ray Serve", missing=missing)
            self._deploy([] if demanded else missing)
            self.deployed += 1
        except Exception as error:
            log.warning("Ray Serve could not be kept in being; once more soon", error=type(error).__name__,
                        detail=str(error)[:500])
            self._next_s = self._clock() + _PAUSE_S
