"""What the shards have seen of the scorers, and how their parts add up: in any order, in any grouping, the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from models.monitoring.features import Reference
from models.monitoring.rolling import Key, Sums, added, packed, unpacked


@dataclass(frozen=True, slots=True)
class Seen:
    """One shard's part, or several added. Times are of the decision clock, in milliseconds; None before anything."""

    #: When the oldest watcher began, but not before its window does.
    since_ms: int | None = None
    #: When the newest label was counted.
    newest_ms: int | None = None
    labels: Mapping[Key, Sums] = field(default_factory=dict)
    #: By the shadow's version, see ``models.monitoring.shadows``.
    shadows: Mapping[Key, Sums] = field(default_factory=dict)
    #: See ``models.monitoring.features``.
    spread: Mapping[Key, Sums] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)
    #: Labels and shown rows that were not counted, for there were too many at once.
    dropped: int = 0
    #: When this was told; 0 before anything.
    at_ms: int = 0

    def to_wire(self) -> dict[str, Any]:
        return {
            "since": self.since_ms, "newest": self.newest_ms, "labels": packed(self.labels),
            "shadows": packed(self.shadows), "spread": packed(self.spread),
            "references": {scorer: one.to_wire() for scorer, one in self.references.items()}, "dropped": self.dropped,
            "at": self.at_ms,
        }

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        return cls(
            wire["since"], wire["newest"], unpacked(wire["labels"]), unpacked(wire["shadows"]),
            unpacked(wire["spread"]),
            {scorer: Reference.from_wire(one) for scorer, one in wire["references"].items()}, wire["dropped"],
            wire["at"],
        )


def merged(parts: Iterable[Seen]) -> Seen:
    """Associative and commutative: counts are whole numbers. Of one scorer every shard has the same reference."""
    known = list(parts)
    return Seen(
        min((one.since_ms for one in known if one.since_ms is not None), default=None),
        max((one.newest_ms for one in known if one.newest_ms is not None), default=None),
        added(one.labels for one in known), added(one.shadows for one in known), added(one.spread for one in known),
        {scorer: reference for one in known for scorer, reference in one.references.items()},
        sum(one.dropped for one in known), max((one.at_ms for one in known), default=0),
    )
