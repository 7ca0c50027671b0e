"""What a shard counts about itself, for status and metrics. Numbers only, nothing about anybody."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import Any, Final

from models.profile.facts import ConsentChanged, Decided, EventApplied, OutcomeApplied
from models.turn.keys import Hint

_SAMPLES: Final = 1_024
_BY_TAG: Final = {
    EventApplied.TAG: "events", Decided.TAG: "decisions", OutcomeApplied.TAG: "outcomes",
    ConsentChanged.TAG: "consents",
}


class Counters:
    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self._append_ms: deque[float] = deque(maxlen=_SAMPLES)
        self._turn_ms: deque[float] = deque(maxlen=_SAMPLES)

    def appended(self, took_ms: float, size: int) -> None:
        self._append_ms.append(took_ms)
        self.totals["rows"] += 1
        self.totals["row_bytes"] += size

    def turned(self, took_ms: float, commands: int) -> None:
        self._turn_ms.append(took_ms)
        self.totals["turns"] += 1
        self.totals["commands"] += commands

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
