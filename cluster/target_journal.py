"""Rows that teach a target, out of the journals of an installation, live or stopped."""

from __future__ import annotations

from typing import Any

from cluster.journal_rows import Progress
from cluster.journal_source import JournalSource, base_profiles, pages
from models.catalog.check import compile_catalog
from models.catalog.faults import unknown
from models.catalog.plan import Plan, Target
from models.errors import BadInput
from models.profile import packing
from models.profile.facts import Fact, from_wire
from models.scoring.rows import Rows
from models.scoring.target_rows import TargetReader, target_rows
from models.turn import shard_facts
from models.turn.shard_facts import CatalogAdopted
from models.turn.shard_state import ShardState


def target_rows_of(source: JournalSource, target_id: str, progress: Progress | None = None) -> tuple[Target, Rows, int]:
    """The target, its rows, and how many customers had to be left out since the journal lacks their beginning.

    Raises ``BadInput`` when the newest catalog declares no such target, and where there is nothing to learn.
    """
    plan = _newest_plan(source)
    if target_id not in plan.targets:
        raise BadInput(unknown("target", target_id, plan.targets) + "; declare it under targets: and publish")
    target = plan.targets[target_id]
    readers = [_reader(source, shard, target, progress) for shard in range(source.shards)]
    return target, target_rows(target, plan, readers), sum(len(reader.headless) for reader in readers)


def _newest_plan(source: JournalSource) -> Plan:
    """Every shard adopts every catalog, so the first one's journal tells."""
    newest: Any = None
    for page in pages(source, 0):
        if newest is None and page["base"] is not None:
            state = ShardState.unpack(0, page["base"]["state"])
            newest = state.plan.catalog if state.plan is not None else None
        for row in page["rows"]:
            for wire in row["f"]:
                fact = shard_facts.from_wire(wire)
                newest = fact.catalog if isinstance(fact, CatalogAdopted) else newest
    if newest is None:
        raise BadInput("these journals hold no catalog yet; publish one, and serve events")
    return compile_catalog(newest)


def _reader(source: JournalSource, shard: int, target: Target, progress: Progress | None) -> TargetReader:
    reader = TargetReader(target)
    for number, page in enumerate(pages(source, shard)):
        if number == 0 and page["base"] is not None:
            state = ShardState.unpack(shard, page["base"]["state"])
            if state.plan is not None:
                begun = base_profiles(source, shard)
                reader.begin(state.plan, ((key, packing.unpack(packed)) for key, _, packed in begun if packed))
        for row in page["rows"]:
            parts: list[tuple[bytes, list[Fact] | None]] = [
                (customer, None if wires is None else [from_wire(wire) for wire in wires])
                for customer, _, _, wires in row["g"]
            ]
            reader.turn(row["t"], [shard_facts.from_wire(wire) for wire in row["f"]], parts)
        if progress is not None:
            progress(shard, page["next"] or page["last"], page["last"])
    return reader
