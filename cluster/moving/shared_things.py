"""What belongs to no owner, through the protocols that every store has: API keys, refusals, scorers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from actors.access import AccessStore, KeyRecord
from actors.access.denials.interface import DenialStore
from actors.access.denials.record import Entry
from actors.scorer_registry import ScorerRegistry, Scorers
from models.scoring.manifest import Manifest

#: Entries of a chain that are written at once.
_ENTRIES: int = 1_000


def put_keys(store: AccessStore, records: Sequence[KeyRecord]) -> None:
    """Make these the keys; one that was added meanwhile stays behind them. (A table keeps no order among keys that are
    added at once.)"""

    def edit(before: Sequence[KeyRecord]) -> tuple[list[KeyRecord], None]:
        moved = {record.digest for record in records}
        return [*records, *(record for record in before if record.digest not in moved)], None

    store.change(edit)


def put_denials(store: DenialStore, chains: Mapping[str, Sequence[Entry]]) -> None:
    for chain, entries in chains.items():
        for start in range(0, len(entries), _ENTRIES):
            store.append(chain, entries[start:start + _ENTRIES])


def scorers_of(registry: ScorerRegistry, data_dir: Path) -> dict[str, tuple[bytes, bytes]]:
    """Every registered scorer whose files are sound."""
    found = {}
    for manifest in registry.manifests():
        registry.load(manifest.version)
        model = (data_dir / "scorers" / manifest.version / manifest.file).read_bytes()
        found[manifest.version] = (json.dumps(manifest.to_wire()).encode(), model)
    return found


def put_scorers(registry: Scorers, scorers: Mapping[str, tuple[bytes, bytes]]) -> None:
    for manifest, model in scorers.values():
        registry.register(model, Manifest.from_wire(json.loads(manifest)))
