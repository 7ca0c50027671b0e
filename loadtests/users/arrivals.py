"""When the calls of an open loop are due: planned ahead, whatever the answers do.

Real customers do not wait for each other. A generator that sends the next call only when the last was answered stops
asking exactly while the server is slow, and its percentiles then leave out what the others would have waited
(coordinated omission). Here an arrival has its time before anything is sent; whoever sends it later than that has its
lateness counted in the latency.
"""

from __future__ import annotations

import random
from typing import Final, Literal

Kind = Literal["poisson", "uniform"]
KINDS: Final[tuple[Kind, ...]] = ("poisson", "uniform")


class Arrivals:
    """Times in seconds on the clock of ``begin_s``, ascending, ``rate_per_s`` of them per second on average.

    ``uniform`` is an even beat, ``poisson`` independent customers (exponential gaps), who come in bursts as they do in
    life. The superposition of the workers' streams is again one of the whole rate.
    """

    def __init__(self, rate_per_s: float, kind: Kind, begin_s: float, seed: str) -> None:
        if rate_per_s <= 0:
            raise ValueError(f"a rate of {rate_per_s} per second")
        self._gap_s = 1 / rate_per_s
        self._kind = kind
        self._random = random.Random(seed)
        # Workers that beat evenly start at different phases.
        self._next_s = begin_s + self._random.random() * self._gap_s
        #: How many were taken.
        self.taken = 0

    def take(self) -> float:
        """The next arrival's time; every one is given out once, late or not."""
        found = self._next_s
        self.taken += 1
        self._next_s += self._gap_s if self._kind == "uniform" else self._random.expovariate(1 / self._gap_s)
        return found

    def left_before(self, until_s: float) -> list[float]:
        """Takes every arrival that was due before an instant and that nobody took."""
        left = []
        while self._next_s < until_s:
            left.append(self.take())
        return left
