"""Rows to learn from, out of the journals of an installation, live or stopped."""

from __future__ import annotations

from typing import Any

from cluster.journal_source import JournalSource, base_profiles, pages
from models.errors import BadInput
from models.profile import packing
from models.profile.facts import Fact, from_wire
from models.scoring.labels import Labeller, default_features, merged
from models.scoring.rows import Rows, from_columns
from models.turn import shard_facts
from models.turn.shard_state import ShardState


def rows_of(source: JournalSource) -> tuple[Rows, int]:
    """Every finished row, and how many customers had to be left out since the journal lacks their beginning.

    Raises ``BadInput`` when no catalog was ever adopted.
    """
    labellers = [_labelled(source, shard) for shard in range(source.shards)]
    plan = next((labeller.plan for labeller in labellers if labeller.plan is not None), None)
    if plan is None:
        raise BadInput("these journals hold no catalog and no decision yet; serve some first, or give --rows")
    wanted = default_features(plan)
    columns = merged([labeller.columns(wanted) for labeller in labellers])
    return from_columns(columns, wanted), sum(len(labeller.headless) for labeller in labellers)


def _labelled(source: JournalSource, shard: int) -> Labeller:
    labeller = Labeller()
    for number, page in enumerate(pages(source, shard)):
        if number == 0 and page["base"] is not None:
            _begin(labeller, source, shard, page["base"]["state"])
        for row in page["rows"]:
            _read(labeller, row)
    return labeller


def _begin(labeller: Labeller, source: JournalSource, shard: int, packed_state: bytes) -> None:
    """What a truncated journal begins with."""
    state = ShardState.unpack(shard, packed_state)
    if state.plan is not None:
        begun = base_profiles(source, shard)
        profiles = {customer: packing.unpack(packed) for customer, _, packed in begun if packed is not None}
        labeller.begin(state.plan, state.evidence, profiles)


def _read(labeller: Labeller, row: dict[str, Any]) -> None:
    parts: list[tuple[bytes, list[Fact]]] = [
        (customer, [from_wire(wire) for wire in wires]) for customer, _, _, wires in row["g"] if wires is not None
    ]
    labeller.turn(row["t"], [shard_facts.from_wire(wire) for wire in row["f"]], parts)
