"""What the coordinator is told at its start: plain values, so that they cross a process boundary as a dict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from models.times import parse_time_ms


@dataclass(frozen=True, slots=True)
class CoordinatorSettings:
    #: How many shards the installation has (chosen once).
    shards: int
    manual_clock: bool = False
    #: Where a manual clock begins; a later time that was set before stays.
    clock_ms: int = 0

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """From the dict that the composition root passes; unknown keys are for others. ``clock`` is ``wall``,
        ``manual`` (then ``clock_ms`` says where it begins) or ``manual:TIME``."""
        mode, _, begin = str(plain.get("clock", "wall")).partition(":")
        clock_ms = parse_time_ms(begin) if begin else int(plain.get("clock_ms", 0))
        return cls(int(plain["shards"]), mode == "manual", clock_ms)
