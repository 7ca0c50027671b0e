"""Figures: what was wanted, what came out, how far it spread. Pure: rounds in, plain values out."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Unit = Literal["x", "ms", "/s", "s", "us", "B"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A bound of the issue, and the one that would make it the fastest of its kind."""

    sign: Literal["at least", "at most"]
    bound: float
    aim: float | None = None

    def reached(self, value: float) -> bool:
        return value >= self.bound if self.sign == "at least" else value <= self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. ``value`` is the median of the rounds, ``low`` and ``high`` their extremes."""

    name: str
    value: float
    low: float
    high: float
    unit: Unit
    wanted: Wanted | None = None
    #: The two sides of a ratio or difference, and what else a reader must know.
    note: str = ""

    @property
    def reached(self) -> bool | None:
        return None if self.wanted is None else self.wanted.reached(self.value)

    def to_plain(self) -> dict[str, Any]:
        return {**asdict(self), "reached": self.reached}


def figure(
    name: str, values: Sequence[float], unit: Unit, wanted: Wanted | None = None, note: str = "",
) -> Figure:
    """From the values of all rounds."""
    return Figure(name, statistics.median(values), min(values), max(values), unit, wanted, note)


def paired(
    name: str, mine: Sequence[float], theirs: Sequence[float], unit: Unit, wanted: Wanted | None = None,
    how: Callable[[float, float], float] = lambda a, b: a / b,
) -> Figure:
    """Round by round against the reference of the same round; the median of these, not the ratio of medians."""
    of_rounds = [how(a, b) for a, b in zip(mine, theirs, strict=True)]
    scale = _number(statistics.median(mine)), _number(statistics.median(theirs))
    return figure(name, of_rounds, unit, wanted, f"{scale[0]} against {scale[1]}")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
