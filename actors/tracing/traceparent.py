"""``traceparent``, as W3C Trace Context writes it: the one thing of a trace that crosses a process boundary.

What a caller sends is checked and used for nothing but to hang spans under: it may ask for less (not sampled), never
for more than the sampling ratio gives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

#: Any version but ff; what a later version adds stands after another dash.
_SHAPE: Final = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_SAMPLED: Final = 0x01
_LOW_64: Final = 2**64 - 1
_LENGTH: Final = 55
#: Longer ones are of a version nobody knows, or no header at all.
_LENGTH_READ: Final = 512


@dataclass(frozen=True, slots=True)
class Traceparent:
    trace_id: int
    span_id: int
    is_sampled: bool

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None for what is malformed: the request then begins a trace of its own."""
        found = _SHAPE.fullmatch(text) if len(text) <= _LENGTH_READ else None
        if found is None or (found[1] == "00" and len(text) != _LENGTH):
            return None
        trace_id, span_id = int(found[2], 16), int(found[3], 16)
        return cls(trace_id, span_id, bool(int(found[4], 16) & _SAMPLED)) if trace_id and span_id else None

    def write(self) -> str:
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{_SAMPLED if self.is_sampled else 0:02x}"

    def falls_within(self, ratio: float) -> bool:
        """Whether a trace is one of the share ``ratio``: by its id, so that every service chooses the same ones."""
        return self.trace_id & _LOW_64 < round(ratio * 2**64)
