"""What a shard counts about itself, for status and metrics. Numbers only, nothing about anybody."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from actors.metrics.family import COMMANDS, SECONDS
from actors.metrics.spread import Spread
from actors.shard.laps import STAGES, Laps
from models.profile.facts import ConsentChanged, Decided, EventApplied, OutcomeApplied
from models.turn.keys import Hint

_SAMPLES: Final = 1_024
_BY_TAG: Final = {
    EventApplied.TAG: "events", Decided.TAG: "decisions", OutcomeApplied.TAG: "outcomes",
    ConsentChanged.TAG: "consents",
}


class Counters:
    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        #: By the names in ``actors.metrics.of_shard``.
        self.totals: Counter[str] = Counter()
        self.turn = Spread(SECONDS)
        self.stages = {stage: Spread(SECONDS) for stage in STAGES}
        self.turn_commands = Spread(COMMANDS)
        self.commit = Spread(SECONDS)
        self.checkpoint_s = 0.0
        self._checkpointed_s = self._synced_s = monotonic()
        self._append_ms: deque[float] = deque(maxlen=_SAMPLES)
        self._turn_ms: deque[float] = deque(maxlen=_SAMPLES)

    def appended(self, took_ms: float, size: int) -> None:
        self._append_ms.append(took_ms)
        self.commit.observe(took_ms / 1_000)
        self.totals["rows"] += 1
        self.totals["row_bytes"] += size

    def turned(self, laps: Laps, commands: int) -> None:
        seconds = laps.seconds
        self._turn_ms.append(seconds * 1_000)
        self.turn.observe(seconds)
        for stage, spent in laps.by_stage().items():
            self.stages[stage].observe(spent)
        self.turn_commands.observe(commands)
        self.totals["turns"] += 1
        self.totals["commands"] += commands

    def checkpointed(self, began_s: float) -> None:
        """``began_s``: of the same monotonic clock."""
        self._checkpointed_s = self._monotonic()
        self.checkpoint_s = self._checkpointed_s - began_s
        self.totals["checkpoints"] += 1

    def synced(self) -> None:
        """The coordinator has answered."""
        self._synced_s = self._monotonic()

    @property
    def checkpoint_age_s(self) -> float:
        return self._monotonic() - self._checkpointed_s

    @property
    def sync_age_s(self) -> float:
        return self._monotonic() - self._synced_s

    def facts(self, tags: Iterable[int]) -> None:
        for tag, count in Counter(tags).items():
            self.totals[_BY_TAG.get(tag, "other_facts")] += count

    def outcomes(self, hints: Iterable[bytes]) -> None:
        for hint in map(Hint.unpack, hints):
            self.totals["late_confirmations"] += hint.late
            self.totals["unfunded"] += hint.unfunded

    def view(self) -> dict[str, Any]:
        """Flat: totals since the start, and quantiles of the newest samples."""
        return {**self.totals, **_quantiles("append", self._append_ms), **_quantiles("turn", self._turn_ms)}


def _quantiles(name: str, samples: Iterable[float]) -> dict[str, float]:
    ordered = sorted(samples) or [0.0]
    last = len(ordered) - 1
    return {
        f"{name}_p50_ms": round(ordered[last // 2], 3), f"{name}_p99_ms": round(ordered[round(last * 0.99)], 3),
    }
