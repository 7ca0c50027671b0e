"""Run every logged decision again and compare the bytes of its answer, and what became of every action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cluster.journal_source import JournalSource, base_profiles, pages
from models.errors import KairosError
from models.profile import packing
from models.profile.facts import Fact, from_wire
from models.profile.state import Profile
from models.turn import shard_facts
from models.turn.replay import Fold, Replayed
from models.turn.shard_state import ShardState


@dataclass(slots=True)
class Audit:
    decisions: int = 0
    same: int = 0
    #: Segments whose customer's key was destroyed: nothing of them can be read, or compared.
    erased: int = 0
    different: list[str] = field(default_factory=list)

    def compare(self, met: Replayed) -> None:
        self.decisions += 1
        try:
            is_same = met.reexecute().equals(met.fact)
        except KairosError:
            is_same = False
        if is_same:
            self.same += 1
        else:
            self.different.append(met.fact.decision_id)


def audit(
    source: JournalSource, decision_id: str | None = None, progress: Callable[[int, int, int], None] | None = None,
) -> Audit:
    """All decisions, or one. ``progress`` hears (shard, row, newest row)."""
    found = Audit()
    for shard in range(source.shards):
        _audit_shard(source, shard, found, decision_id, progress)
        if decision_id is not None and found.decisions:
            break
    return found


def _audit_shard(
    source: JournalSource, shard: int, found: Audit, decision_id: str | None,
    progress: Callable[[int, int, int], None] | None,
) -> None:
    fold: Fold | None = None
    for page in pages(source, shard):
        if fold is None:
            fold = _begin(source, shard, page["base"])
        for row in page["rows"]:
            for met in _row(fold, row, found):
                if decision_id in (None, met.fact.decision_id):
                    found.compare(met)
            if progress is not None:
                progress(shard, row["seq"], page["last"])


def _begin(source: JournalSource, shard: int, base: dict[str, Any] | None) -> Fold:
    if base is None:
        return Fold(ShardState(shard), {})
    profiles: dict[bytes, Profile | None] = {
        customer: packing.unpack(packed) if packed is not None else None
        for customer, _, packed in base_profiles(source, shard)
    }
    return Fold(ShardState.unpack(shard, base["state"]), profiles)


def _row(fold: Fold, row: dict[str, Any], found: Audit) -> list[Replayed]:
    segments: list[tuple[bytes, int, list[Fact] | None]] = []
    for customer, generation, _, wires in row["g"]:
        found.erased += wires is None
        segments.append((customer, generation, None if wires is None else [from_wire(wire) for wire in wires]))
    return list(fold.row(row["t"], [shard_facts.from_wire(wire) for wire in row["f"]], segments))
