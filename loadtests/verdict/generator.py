"""What the generator itself used, and whether it was fit to measure: a late event loop measures its own lateness."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

#: How often the loop is asked to be on time.
BEAT_S: Final = 0.02
#: A beat counts as late from here on.
LATE_S: Final = 0.005
#: Share of one core above which a generating process is taken for the bottleneck: it has only one.
BUSY: Final = 0.8


@dataclass(slots=True)
class GeneratorMeter:
    """``run`` beats in a greenlet of its own until ``stop``; ``sleep`` is the loop's."""

    sleep: Callable[[float], None]
    clock: Callable[[], float] = time.perf_counter
    cpu_clock: Callable[[], float] = time.process_time
    _begun_s: float = 0.0
    _cpu_s: float = 0.0
    _beats: int = 0
    _late_beats: int = 0
    _late_max_s: float = 0.0
    _running: bool = field(default=False)

    def run(self) -> None:
        self._begun_s, self._cpu_s, self._running = self.clock(), self.cpu_clock(), True
        while self._running:
            due = self.clock() + BEAT_S
            self.sleep(BEAT_S)
            late = self.clock() - due
            self._beats += 1
            self._late_beats += late > LATE_S
            self._late_max_s = max(self._late_max_s, late)

    def stop(self) -> dict[str, Any]:
        """The figures of one process, once."""
        self._running = False
        seconds, cpu = self.clock() - self._begun_s, self.cpu_clock() - self._cpu_s
        return {
            "cpu_s": round(cpu, 2), "core_share": round(cpu / seconds, 3) if seconds else 0.0,
            "late_share": round(self._late_beats / self._beats, 4) if self._beats else 0.0,
            "late_max_ms": round(self._late_max_s * 1_000, 1),
        }
