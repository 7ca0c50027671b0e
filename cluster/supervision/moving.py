"""How a shard moves whole: a newer incarnation replays beside the older one, and takes over in one short pause.

1. ``begin``: a standby starts on the target and follows the journal without owning it.
2. It has caught up; ``release`` lets the older one finish its turn and take no more.
3. ``serve`` lets the standby take the epoch. From here on the store fences the older one, whatever it does.
4. The older one is ended.

Every step may be repeated, and whoever looks at the two incarnations sees how far it has come: there is no other
record of a move. An older one that does not answer is passed over (the epoch fences it). When the newer one dies before
it serves, the older one goes on (by itself after a while, if nobody tells it).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import structlog

from cluster.supervision.placement import SERVES, State
from models import limits
from models.canonical import unpack
from models.errors import KairosError

log = structlog.get_logger(__name__)
_POLL_S: Final = 0.1
_STEP_S: Final = limits.MOVE_STEP_MS_MAX / limits.SECOND_MS
_CATCH_UP_S: Final = limits.MOVE_CATCH_UP_MS_MAX / limits.SECOND_MS
#: A standby is asked again and again while it replays; one that stays silent so long has been lost.
_SILENCE_S: Final = 3 * _STEP_S


class Gone(KairosError):
    """There is no such incarnation (any more)."""


class Silent(KairosError):
    """It did not answer in time, or its process is being started again: what was asked may have been done."""


class Shards(Protocol):
    """What moving needs of the live actors."""

    def numbers(self, shard: int) -> list[int]:
        """The live incarnations of a shard."""

    def stored(self, shard: int) -> int:
        """The newest incarnation that the store knows; 0 for none."""

    def make(self, shard: int, incarnation: int, node: str, standby: bool) -> None:
        """Start an incarnation; on that node if it can be. Does nothing when it is there."""

    def call(self, shard: int, incarnation: int, method: str, wait_s: float) -> bytes:
        """Raises ``Gone`` or ``Silent``."""

    def end(self, shard: int, incarnation: int) -> None:
        """Kill it for good; harmless when it is gone."""


class Mover:
    """Blocking; one call at a time per shard."""

    def __init__(
        self, shards: Shards, *, wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shards, self._wait, self._clock = shards, wait, clock

    def make(self, shard: int, node: str, *, standby: bool = False) -> int:
        """Start the next incarnation of a shard; returns its number."""
        newest = max([self._shards.stored(shard), *self._shards.numbers(shard)])
        self._shards.make(shard, newest + 1, node, standby)
        return newest + 1

    def finish(self, shard: int, newest: int, older: int | None) -> bool:
        """Bring a move to its end, however far it has come: True when the newest serves, False when the older one goes
        on instead."""
        started = self._clock()
        try:
            found = self._caught_up(shard, newest, older)
            if found == State.RELEASED:
                self._shards.call(shard, newest, "resume", _STEP_S)
            elif found not in SERVES:
                self._hand_over(shard, newest, older)
        except (Gone, Silent) as error:
            log.warning("a move came to nothing", shard=shard, incarnation=newest, older=older, reason=str(error))
            self.undo(shard, newest, older)
            return False
        if older is not None:
            self._shards.end(shard, older)
        log.info("a shard has moved", shard=shard, incarnation=newest, took_s=round(self._clock() - started, 3))
        return True

    def undo(self, shard: int, newest: int, older: int | None) -> None:
        """End the newest; the older one goes on. Without an older one nothing is ended: Ray starts it again."""
        if older is None:
            return
        self._shards.end(shard, newest)
        try:
            self._shards.call(shard, older, "resume", _STEP_S)
        except (Gone, Silent) as error:
            log.warning("the older incarnation was not told to go on", shard=shard, incarnation=older,
                        reason=str(error))

    def _caught_up(self, shard: int, newest: int, older: int | None) -> str:
        """Wait until the newest is near the end of the journal; returns its state. Raises ``Gone`` or ``Silent``."""
        begun = heard = self._clock()
        while True:
            try:
                status = self._status(shard, newest)
            except Silent:
                if self._clock() - heard > _SILENCE_S:
                    raise
                status, now = {}, self._clock()
            else:
                heard = now = self._clock()
            state = str(status.get("state", ""))
            if state in (*SERVES, State.RELEASED):
                return state
            if state == State.STANDBY and self._is_near(shard, status, older):
                return state
            if now - begun > _CATCH_UP_S:
                raise Silent(f"incarnation {newest} of shard {shard} has not caught up after {_CATCH_UP_S:.0f} s")
            self._wait(_POLL_S)

    def _is_near(self, shard: int, status: dict[str, Any], older: int | None) -> bool:
        if older is None:
            return True
        try:
            ahead = self._status(shard, older)
        except (Gone, Silent):
            return True
        return int(status.get("seq", 0)) + limits.MOVE_LAG_ROWS_MAX >= int(ahead.get("seq", 0))

    def _hand_over(self, shard: int, newest: int, older: int | None) -> None:
        """The pause of a move lasts from here to its end."""
        paused = self._clock()
        if older is not None:
            try:
                self._shards.call(shard, older, "release", _STEP_S)
            except (Gone, Silent) as error:
                log.warning("passing an incarnation over that does not answer", shard=shard, incarnation=older,
                            reason=str(error))
        try:
            self._shards.call(shard, newest, "serve", _STEP_S)
        except Silent:  # it may serve all the same: only it can tell
            if self._status(shard, newest).get("state") not in SERVES:
                raise
        log.info("a shard was handed over", shard=shard, incarnation=newest,
                 pause_ms=round((self._clock() - paused) * limits.SECOND_MS))

    def _status(self, shard: int, incarnation: int) -> dict[str, Any]:
        told: dict[str, Any] = unpack(self._shards.call(shard, incarnation, "status", _STEP_S))
        return told
