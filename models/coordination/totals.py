"""Evidence over all shards: cumulative counts per shard, their sums, and the version in which each sum last changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from models.coordination.messages import Count

Key = tuple[str, str]


class EvidenceTotals:
    def __init__(self) -> None:
        self.version = 0
        #: (shard, key) -> (accepts, contacts), the largest that the shard reported.
        self._by_shard: dict[tuple[int, Key], tuple[int, int]] = {}
        #: Key -> (accepts, contacts, version of the last change).
        self._sums: dict[Key, tuple[int, int, int]] = {}

    def news(self, shard: int, counts: Iterable[Count]) -> list[Count]:
        """Those counts of a report that are ahead of what is merged, each merged by the larger."""
        ahead = []
        for count in counts:
            accepts, contacts = self._by_shard.get((shard, (count.kind, count.id)), (0, 0))
            if count.accepts > accepts or count.contacts > contacts:
                ahead.append(
                    Count(count.kind, count.id, max(count.accepts, accepts), max(count.contacts, contacts))
                )
        return ahead

    def publish(self, version: int, rows: Iterable[Sequence[Any]]) -> None:
        """Merge rows of ``EvidencePublished`` as one version."""
        for shard, kind, id_, accepts, contacts in rows:
            key = (kind, id_)
            old_accepts, old_contacts = self._by_shard.get((shard, key), (0, 0))
            accepts, contacts = max(accepts, old_accepts), max(contacts, old_contacts)
            self._by_shard[shard, key] = (accepts, contacts)
            sum_accepts, sum_contacts, _ = self._sums.get(key, (0, 0, 0))
            self._sums[key] = (sum_accepts + accepts - old_accepts, sum_contacts + contacts - old_contacts, version)
        self.version = max(self.version, version)

    def changes_since(self, version: int) -> tuple[Count, ...]:
        """Absolute sums of what changed in later versions."""
        return tuple(
            Count(kind, id_, accepts, contacts)
            for (kind, id_), (accepts, contacts, changed) in self._sums.items() if changed > version
        )

    def to_wire(self) -> list[Any]:
        return [
            self.version, [[shard, *key, *pair] for (shard, key), pair in self._by_shard.items()],
            [[*key, *value] for key, value in self._sums.items()],
        ]

    @classmethod
    def from_wire(cls, wire: list[Any]) -> EvidenceTotals:
        totals = cls()
        totals.version = wire[0]
        totals._by_shard = {(shard, (kind, id_)): (a, c) for shard, kind, id_, a, c in wire[1]}
        totals._sums = {(kind, id_): (a, c, changed) for kind, id_, a, c, changed in wire[2]}
        return totals
