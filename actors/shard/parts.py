"""What the pieces of one shard share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from actors.shard.clock import DecisionClock
from actors.shard.counters import Counters
from actors.shard.due import DueHeap
from actors.shard.residency import Residency
from actors.shard.settings import ShardSettings
from actors.shard.store import ShardStore
from actors.shard.writer import Writer
from models.profile.facts import OutcomeApplied
from models.turn.core import ShardCore
from models.turn.results import TurnResult
from models.turn.shard_facts import CatalogAdopted, EvidenceAdopted, ScorerAdopted, ShardFact

#: Under these names the store lists rows that concern the shard as a whole; no customer key is that short.
CATALOG_ROWS: Final = b"catalog"
EVIDENCE_ROWS: Final = b"evidence"
SCORER_ROWS: Final = b"scorer"


class RecentRows:
    """Which rows since the last checkpoint concern whom; older ones are in the store's index."""

    def __init__(self) -> None:
        self._rows: dict[bytes, list[int]] = {}
        self.count = 0

    def note(self, seq: int, customers: Iterable[bytes], shard_facts: Iterable[ShardFact]) -> None:
        names = dict.fromkeys(customers)
        for fact in shard_facts:
            if isinstance(fact, CatalogAdopted):
                names[CATALOG_ROWS] = None
            elif isinstance(fact, EvidenceAdopted):
                names[EVIDENCE_ROWS] = None
            elif isinstance(fact, ScorerAdopted):
                names[SCORER_ROWS] = None
        for name in names:
            self._rows.setdefault(name, []).append(seq)
        self.count += len(names)

    def of(self, name: bytes) -> list[int]:
        """Oldest first."""
        return self._rows.get(name, [])

    def up_to(self, seq: int) -> list[tuple[bytes, int]]:
        return [(name, row) for name, rows in self._rows.items() for row in rows if row <= seq]

    def forget(self, seq: int) -> None:
        """Rows up to ``seq`` are in the store's index now."""
        left = {name: [row for row in rows if row > seq] for name, rows in self._rows.items()}
        self._rows = {name: rows for name, rows in left.items() if rows}
        self.count = sum(len(rows) for rows in self._rows.values())


@dataclass(slots=True)
class Tail:
    """What a restart would have to replay: rows since the last checkpoint."""

    turns: int = 0
    segments: int = 0
    bytes: int = 0

    def grow(self, segments: int, size: int) -> None:
        self.turns += 1
        self.segments += segments
        self.bytes += size


@dataclass(slots=True)
class ShardParts:
    settings: ShardSettings
    store: ShardStore
    clock: DecisionClock
    core: ShardCore = field(init=False)
    residency: Residency = field(init=False)
    due: DueHeap = field(init=False)
    writer: Writer = field(default_factory=Writer)
    recent_rows: RecentRows = field(default_factory=RecentRows)
    tail: Tail = field(default_factory=Tail)
    counters: Counters = field(default_factory=Counters)
    #: Customers' segments appended by this process.
    segments: int = 0

    def __post_init__(self) -> None:
        self.core = ShardCore(self.settings.shard)
        self.residency = Residency(self.settings.resident_bytes, self.settings.hot_profiles)
        self.due = DueHeap(self.residency)

    def now_ms(self) -> int:
        return self.clock.now_ms(self.core.state)

    def settle(self, result: TurnResult, seq: int, size: int) -> None:
        """A turn is durable: make it true in memory."""
        self.core.commit(result, seq)
        for customer, profile in result.profiles.items():
            self.due.note(customer, self.residency.settle(customer, profile, seq).due_ms)
        self.recent_rows.note(seq, [part.customer for part in result.segments], result.shard_facts)
        self.tail.grow(len(result.segments), size)
        self.segments += len(result.segments)
        publics = [part.public for part in result.segments]
        self.counters.facts(chain.from_iterable(public["k"] for public in publics))
        for public in publics:
            if OutcomeApplied.TAG in public["k"]:
                self.counters.outcomes(hint for _, _, hint in public["i"])
