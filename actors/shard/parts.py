"""What the pieces of one shard share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from actors.shard.clock import DecisionClock
from actors.shard.counters import Counters
from actors.shard.due import DueHeap
from actors.shard.feed import Feed
from actors.shard.residency import Residency
from actors.shard.settings import ShardSettings
from actors.shard.stale import StaleScores
from actors.shard.store import ShardStore
from actors.shard.writer import Writer
from models.profile.facts import OutcomeApplied
from models.turn.core import ShardCore
from models.turn.results import TurnResult
from models.turn.shard_facts import CatalogAdopted, EvidenceAdopted, RolesAdopted, ShardFact

#: Under these names the store lists rows that concern the shard as a whole; no customer key is that short.
CATALOG_ROWS: Final = b"catalog"
EVIDENCE_ROWS: Final = b"evidence"
ROLES_ROWS: Final = b"scorers"


class RecentRows:
    """Which rows since the last checkpoint concern whom; older ones are in the store's index."""

    def __init__(self) -> None:
        self._rows: dict[bytes, list[int]] = {}
        #: Those from before a checkpoint began, until the store has them all.
        self._apart: dict[bytes, list[int]] = {}

    def note(self, seq: int, customers: Iterable[bytes], shard_facts: Iterable[ShardFact]) -> None:
        names = dict.fromkeys(customers)
        for fact in shard_facts:
            if isinstance(fact, CatalogAdopted):
                names[CATALOG_ROWS] = None
            elif isinstance(fact, EvidenceAdopted):
                names[EVIDENCE_ROWS] = None
            elif isinstance(fact, RolesAdopted):
                names[ROLES_ROWS] = None
        for name in names:
            self._rows.setdefault(name, []).append(seq)

    @property
    def count(self) -> int:
        return sum(map(len, self._rows.values())) + sum(map(len, self._apart.values()))

    def of(self, name: bytes) -> list[int]:
        """Oldest first."""
        return [*self._apart.get(name, ()), *self._rows.get(name, ())]

    def set_apart(self) -> Mapping[bytes, list[int]]:
        """All there are now, for a checkpoint to write out."""
        for name, rows in self._apart.items():
            self._rows[name] = rows + self._rows.get(name, [])
        self._apart, self._rows = self._rows, {}
        return self._apart

    def forget(self) -> None:
        """What was set apart is in the store's index now."""
        self._apart = {}

    def forget_until(self, seq: int) -> None:
        """Rows up to ``seq`` are in the store's index, because somebody else wrote them there."""
        later = {name: [row for row in rows if row > seq] for name, rows in self._rows.items()}
        self._rows = {name: rows for name, rows in later.items() if rows}


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
    stale: StaleScores = field(default_factory=StaleScores)
    feed: Feed = field(default_factory=Feed)

    def __post_init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget all that was replayed."""
        self.recent_rows, self.tail = RecentRows(), Tail()
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
        self.stale.note(result, self.core.state.active_roles.targets)
        self.tail.grow(len(result.segments), size)
        self.feed.append(result, seq, size)
        publics = [part.public for part in result.segments]
        self.counters.facts(chain.from_iterable(public["k"] for public in publics))
        for public in publics:
            if OutcomeApplied.TAG in public["k"]:
                self.counters.outcomes(hint for _, _, hint in public["i"])
