"""distinct over (now - W, now]: each value's newest time, exact up to the bound of 1,024 values.

Beyond the bound the value seen longest ago is forgotten, so the count saturates at the bound and what remains is the
newest. Memory: about 100 B per value, 16 B packed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from models import limits
from models.catalog.plan import Feature
from models.profile.running import NEVER


@dataclass(slots=True)
class Distinct:
    """Immutable by convention."""

    definition: bytes
    #: (time, value hashes), ascending.
    pending: tuple[tuple[int, tuple[int, ...]], ...] = ()
    #: Value hash -> time of its newest event; iterates in ascending order of time.
    seen: dict[int, int] = field(default_factory=dict)

    def put(self, feature: Feature, time_ms: int, hashes: tuple[int, ...], now_ms: int) -> Distinct:
        start = now_ms - feature.window_ms
        if time_ms <= start:
            return self
        late = bool(self.seen) and time_ms < next(reversed(self.seen.values()))
        seen = dict(self.seen)
        for value, newest in self.seen.items():
            if newest > start:
                break
            del seen[value]
        for value in hashes:
            if seen.get(value, start) < time_ms:
                seen.pop(value, None)
                seen[value] = time_ms
        if late:
            seen = dict(sorted(seen.items(), key=lambda item: item[1]))
        if len(seen) > limits.DISTINCT_VALUES_MAX:
            for value in list(seen)[: len(seen) - limits.DISTINCT_VALUES_MAX]:
                del seen[value]
        return Distinct(self.definition, self.pending, seen)

    def read(self, feature: Feature, now_ms: int) -> tuple[int, int]:
        start = now_ms - feature.window_ms
        for gone, newest in enumerate(self.seen.values()):
            if newest > start:
                return len(self.seen) - gone, newest + feature.window_ms
        return 0, NEVER
