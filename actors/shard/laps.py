"""Where the time of a turn goes: stage by stage, each maybe several times, for a turn works in waves."""

from __future__ import annotations

import time
from typing import Final

PREPARE: Final = "prepare"
SCORE: Final = "score"
RESOLVE: Final = "resolve"
APPEND: Final = "append"
STAGES: Final = (PREPARE, SCORE, RESOLVE, APPEND)


class Laps:
    """Times are nanoseconds of ``perf_counter_ns``."""

    __slots__ = ("began_ns", "marks", "now_ns")

    def __init__(self) -> None:
        self.began_ns = self.now_ns = time.perf_counter_ns()
        #: (stage, from, until), one after the other without a gap.
        self.marks: list[tuple[str, int, int]] = []

    def end(self, stage: str) -> None:
        """All since the last mark was this stage."""
        now_ns = time.perf_counter_ns()
        self.marks.append((stage, self.now_ns, now_ns))
        self.now_ns = now_ns

    @property
    def seconds(self) -> float:
        return (self.now_ns - self.began_ns) / 1e9

    def by_stage(self) -> dict[str, float]:
        """Seconds of each stage that there was."""
        spent: dict[str, float] = {}
        for stage, begin_ns, end_ns in self.marks:
            spent[stage] = spent.get(stage, 0.0) + (end_ns - begin_ns) / 1e9
        return spent
