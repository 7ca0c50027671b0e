"""What one generating process notes while it runs, in bounded memory; several of them merge into one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from loadtests.verdict.histogram import Histogram

#: A run is cut into at most so many slices of time, to see how latency and errors went over it.
SLICES_MAX: Final = 120
SLICE_S_MIN: Final = 1.0


def slice_s(seconds: float) -> float:
    """How long a slice of a run of so many seconds is."""
    return max(SLICE_S_MIN, seconds / SLICES_MAX)


@dataclass(slots=True)
class Slice:
    """One stretch of the run, by when calls were answered."""

    latency: Histogram = field(default_factory=Histogram)
    errors: int = 0
    decisions: int = 0
    degraded: int = 0


@dataclass(slots=True)
class Record:
    #: Call -> latencies of those that were answered well.
    calls: dict[str, Histogram] = field(default_factory=dict)
    #: ``<call>: <what>`` of calls, or parts of a batch, that failed for good.
    errors: Counter[str] = field(default_factory=Counter)
    #: How often the client asked again, with the same ids.
    repeats: int = 0
    #: Events, decisions and outcomes that were acknowledged.
    items: Counter[str] = field(default_factory=Counter)
    decisions: int = 0
    degraded: int = 0
    #: Budget -> units that acknowledged outcomes spent (or would have: ``unfunded``), and that may have been spent by
    #: outcomes whose answer never came.
    spent: Counter[str] = field(default_factory=Counter)
    unresolved: Counter[str] = field(default_factory=Counter)
    unfunded: int = 0
    #: Open loop: arrivals that were sent, how late after their time, and how long those had waited that never were.
    lateness: Histogram = field(default_factory=Histogram)
    unsent: Histogram = field(default_factory=Histogram)
    #: Number of the slice -> what was seen in it.
    slices: dict[int, Slice] = field(default_factory=dict)

    def answered(self, call: str, seconds: float, slice_: int) -> None:
        self.calls.setdefault(call, Histogram()).add(seconds)
        self.slice(slice_).latency.add(seconds)

    def failed(self, call: str, what: str, slice_: int) -> None:
        self.errors[f"{call}: {what}"] += 1
        self.slice(slice_).errors += 1

    def decided(self, degraded: bool, slice_: int) -> None:
        self.decisions += 1
        self.degraded += degraded
        found = self.slice(slice_)
        found.decisions += 1
        found.degraded += degraded

    def slice(self, number: int) -> Slice:
        return self.slices.setdefault(number, Slice())

    def merge(self, other: Record) -> None:
        for call, latencies in other.calls.items():
            self.calls.setdefault(call, Histogram()).merge(latencies)
        for mine, theirs in (
            (self.errors, other.errors), (self.items, other.items), (self.spent, other.spent),
            (self.unresolved, other.unresolved),
        ):
            mine.update(theirs)
        self.repeats += other.repeats
        self.decisions += other.decisions
        self.degraded += other.degraded
        self.unfunded += other.unfunded
        self.lateness.merge(other.lateness)
        self.unsent.merge(other.unsent)
        for number, theirs_then in other.slices.items():
            then = self.slice(number)
            then.latency.merge(theirs_then.latency)
            then.errors += theirs_then.errors
            then.decisions += theirs_then.decisions
            then.degraded += theirs_then.degraded

    def to_wire(self) -> dict[str, Any]:
        """Plain data for a message to another process."""
        return {
            "calls": {call: latencies.to_wire() for call, latencies in self.calls.items()},
            "counters": {name: dict(getattr(self, name)) for name in _COUNTERS},
            "numbers": {name: getattr(self, name) for name in _NUMBERS},
            "lateness": self.lateness.to_wire(), "unsent": self.unsent.to_wire(),
            "slices": [
                [number, one.latency.to_wire(), one.errors, one.decisions, one.degraded]
                for number, one in self.slices.items()
            ],
        }

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        found = cls(
            calls={call: Histogram.from_wire(one) for call, one in wire["calls"].items()},
            lateness=Histogram.from_wire(wire["lateness"]), unsent=Histogram.from_wire(wire["unsent"]),
            slices={
                number: Slice(Histogram.from_wire(latency), *counts) for number, latency, *counts in wire["slices"]
            },
        )
        for name, counts in wire["counters"].items():
            setattr(found, name, Counter(counts))
        for name, value in wire["numbers"].items():
            setattr(found, name, value)
        return found


_COUNTERS: Final = ("errors", "items", "spent", "unresolved")
_NUMBERS: Final = ("repeats", "decisions", "degraded", "unfunded")
