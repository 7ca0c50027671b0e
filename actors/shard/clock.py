"""The decision clock of a shard, and the real clock for deadlines.

Under a wall clock the decision clock is the real one, never before the last logged turn. Under a manual clock it stands
where the coordinator has set it. Deadlines always run on real time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from actors.shard.settings import ShardSettings
from models.turn.shard_state import ShardState


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class DecisionClock:
    def __init__(self, settings: ShardSettings, real_ms: Callable[[], int] = wall_ms) -> None:
        self._manual = settings.manual_clock
        self._begin_ms = settings.clock_ms
        self.real_ms = real_ms

    def now_ms(self, state: ShardState) -> int:
        """max(last logged, clock)."""
        shown_ms = max(self._begin_ms, state.clock_ms) if self._manual else self.real_ms()
        return max(state.last_ms, shown_ms)
