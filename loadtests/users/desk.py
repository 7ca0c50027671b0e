"""What the users of one generating process share: its customers, its clock, its arrivals, and what they note."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from loadtests.users.arrivals import Arrivals, Kind
from loadtests.users.shelf import Shelf
from loadtests.verdict.exact import Acknowledged
from loadtests.verdict.record import Record, slice_s
from models.times import format_time

#: What a run without an end is cut into slices for.
_OPEN_END_S: Final = 3_600.0


class Desk:
    def __init__(self, brief: Mapping[str, Any]) -> None:
        """``brief``: plain data, as ``loadtests.users.briefing`` makes it for one generating process."""
        self.brief: Final = brief
        self.customers: Final[Sequence[dict[str, Any]]] = brief["customers"]
        self.catalog: Final[Mapping[str, Any]] = brief["catalog"]
        self.shelf: Final = Shelf(self.catalog)
        self.think_s: Final[float] = brief["think_s"]
        self.batch: Final[int] = brief["batch"]
        self.record: Final = Record()
        self.acknowledged: Final = Acknowledged([one["id"] for one in self.customers[: brief["verified"]]])
        self.random: Final = random.Random(f"{brief['run']}-{brief['worker']}")
        self._now: str | None = brief["now"]
        self._prefix = f"{brief['run']}-{brief['worker']}"
        self._numbers = itertools.count()
        self.begun_s: Final = time.perf_counter()
        self.until_s: Final = self.begun_s + brief["seconds"] if brief["seconds"] else float("inf")
        self._slice_s = slice_s(brief["seconds"] or _OPEN_END_S)
        #: None in a closed loop.
        self.arrivals: Final = self._arrivals(brief["rate"], brief["arrivals"])
        #: Users are at work in it; nobody begins anything once it is ending.
        self.active = 0
        self._ended_s = float("inf")
        self.bugs = 0
        self._turn = itertools.cycle(range(len(self.customers)))

    def _arrivals(self, rate: float, kind: Kind) -> Arrivals | None:
        return Arrivals(rate, kind, self.begun_s, self._prefix) if rate else None

    def fresh(self, what: str) -> str:
        """An id that nobody else uses: not another worker, not another run."""
        return f"{what}-{self._prefix}-{next(self._numbers)}"

    def now(self) -> str:
        """The server's time: where a manual clock stands, else this machine's."""
        return self._now or format_time(time.time_ns() // 1_000_000)

    def end(self) -> float:
        """Nobody begins anything from now on; when that is."""
        self._ended_s = time.perf_counter()
        return self._ended_s

    def has_ended(self) -> bool:
        return self._ended_s < float("inf")

    def miss(self, due_s: float) -> None:
        """An arrival was not sent; if it was due before the end, that is noted, with how long it had waited."""
        if due_s < self._ended_s:
            self.record.unsent.add(self._ended_s - due_s)

    def slice(self) -> int:
        return int((time.perf_counter() - self.begun_s) / self._slice_s)

    def anybody(self) -> dict[str, Any]:
        """The next customer, each in turn."""
        return self.customers[next(self._turn)]

    def basket(self, customer: Mapping[str, Any]) -> dict[str, Any]:
        """What this household buys: one of its real baskets again."""
        baskets = customer["baskets"]
        found: dict[str, Any] = self.random.choice(baskets)[1] if baskets else {"total": 12.5}
        return found
