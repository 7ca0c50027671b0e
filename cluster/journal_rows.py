"""Rows out of the journals of an installation, live or stopped: for training, and for ``kairos export``.

Both read the same batches, so a scorer that is trained on an export is the one that the journals would have given.
What is held meanwhile does not grow with the journal: the items of some days (``models.scoring.shown``), and the
customers that were met last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.exporting.profile_shelf import ProfileShelf
from cluster.journal_source import JournalSource, base_profiles, pages
from models import limits
from models.catalog.plan import Plan
from models.errors import BadInput
from models.profile import packing
from models.profile.facts import Fact, from_wire
from models.scoring.exported import feature_matrix, plain_columns
from models.scoring.labels import ALL_TIME, Labeller, default_features
from models.scoring.rows import Rows, from_columns
from models.scoring.shown import Shown
from models.turn import shard_facts
from models.turn.shard_state import ShardState

#: Hears (shard, row, newest row) while journals are read.
Progress = Callable[[int, int, int], None]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that share their feature columns, in the order in which nothing changed them any more."""

    #: Names of the columns of ``matrix``.
    features: tuple[str, ...]
    #: The other columns by name (``models.scoring.exported``); None is null.
    plain: dict[str, list[Any]]
    #: float32[rows, features], NaN where absent.
    matrix: NDArray[np.float32]

    def conformed(self, wanted: Sequence[str]) -> NDArray[np.float32]:
        """float32[rows, wanted]: the columns of these names; NaN for what there was not."""
        if self.features == tuple(wanted):
            return self.matrix
        at = {name: column for column, name in enumerate(self.features)}
        known = [(column, at[name]) for column, name in enumerate(wanted) if name in at]
        found = np.full((len(self.matrix), len(wanted)), np.nan, np.float32)
        found[:, [into for into, _ in known]] = self.matrix[:, [out_of for _, out_of in known]]
        return found


@dataclass(slots=True)
class Found:
    """What is known once journals were read."""

    #: Of the first shard that has one: the catalog in force at its journal's end.
    plan: Plan | None = None
    #: Customers that had to be left out since a journal lacks their beginning; of whom facts were erased.
    headless: int = 0
    erased: int = 0
    #: Items that are no rows, by reason.
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, labeller: Labeller) -> None:
        self.plan = self.plan or labeller.plan
        self.headless += len(labeller.headless)
        self.erased += len(labeller.erased)
        self.left_out += labeller.left_out

    def wanted(self) -> tuple[str, ...]:
        """The feature columns of all rows. Raises ``BadInput`` when no catalog was ever adopted."""
        if self.plan is None:
            raise BadInput("these journals hold no catalog and no decision yet; serve some first")
        return default_features(self.plan)


def rows_of(source: JournalSource, progress: Progress | None = None) -> tuple[Rows, int]:
    """Every row that has a label, and how many customers had to be left out since the journal lacks their beginning.

    Raises ``BadInput`` when no catalog was ever adopted.
    """
    found, kept = Found(), list[Batch]()
    for shard in range(source.shards):
        kept += [_labelled(batch) for batch in batches(source, shard, found, progress=progress)]
    wanted = found.wanted()
    columns: dict[str, Any] = {
        "time_ms": _joined(kept, "time_ms", np.int64), "label_time_ms": _joined(kept, "label_time_ms", np.int64),
        "label": _joined(kept, "label", np.uint8), "action": [one for batch in kept for one in batch.plain["action"]],
        "channel": [one for batch in kept for one in batch.plain["channel"]],
    }
    matrix = np.concatenate([np.empty((0, len(wanted)), np.float32), *(batch.conformed(wanted) for batch in kept)])
    return from_columns(columns | {name: matrix[:, at] for at, name in enumerate(wanted)}, wanted), found.headless


def batches(
    source: JournalSource, shard: int, found: Found, *, span_ms: tuple[int, int] = ALL_TIME, customers: bool = False,
    progress: Progress | None = None, most: int = limits.EXPORT_GROUP_ROWS,
) -> Iterator[Batch]:
    """The rows of a shard that were decided in [from, until) of ``span_ms``, at most ``most`` at once. ``found`` is
    told what else there was. ``customers``: with their pseudonyms."""
    shelf = ProfileShelf()
    labeller = Labeller(shelf, span_ms)
    gathered: list[Shown] = []
    try:
        for shown in _items(source, shard, labeller, progress):
            if gathered and (len(gathered) >= most or gathered[0].layout.features != shown.layout.features):
                yield _batch(gathered, labeller.now_ms, customers)
                gathered.clear()
            gathered.append(shown)
        if gathered:
            yield _batch(gathered, labeller.now_ms, customers)
        found.add(labeller)
    finally:
        shelf.close()


def _items(source: JournalSource, shard: int, labeller: Labeller, progress: Progress | None) -> Iterator[Shown]:
    for number, page in enumerate(pages(source, shard)):
        if number == 0 and page["base"] is not None:
            _begin(labeller, source, shard, page["base"]["state"])
        for row in page["rows"]:
            yield from _read(labeller, row)
        if progress is not None:
            progress(shard, page["next"] or page["last"], page["last"])
        if labeller.is_done:
            return
    yield from labeller.rest()


def _begin(labeller: Labeller, source: JournalSource, shard: int, packed_state: bytes) -> None:
    """What a truncated journal begins with."""
    state = ShardState.unpack(shard, packed_state)
    if state.plan is not None:
        begun = base_profiles(source, shard)
        profiles = ((customer, packing.unpack(packed)) for customer, _, packed in begun if packed is not None)
        labeller.begin(state.plan, state.evidence, profiles)


def _read(labeller: Labeller, row: dict[str, Any]) -> list[Shown]:
    parts: list[tuple[bytes, list[Fact] | None]] = [
        (customer, None if wires is None else [from_wire(wire) for wire in wires])
        for customer, _, _, wires in row["g"]
    ]
    return labeller.turn(row["t"], [shard_facts.from_wire(wire) for wire in row["f"]], parts)


def _batch(gathered: Sequence[Shown], now_ms: int, customers: bool) -> Batch:
    return Batch(
        gathered[0].layout.features, plain_columns(gathered, now_ms, customers=customers), feature_matrix(gathered)
    )


def _labelled(batch: Batch) -> Batch:
    """Its rows with a label, with what training reads of them."""
    has = [at for at, label in enumerate(batch.plain["label"]) if label is not None]
    names = ("time_ms", "label_time_ms", "label", "action", "channel")
    plain = {name: [batch.plain[name][at] for at in has] for name in names}
    return Batch(batch.features, plain, batch.matrix[has])


def _joined(kept: Sequence[Batch], name: str, kind: Any) -> NDArray[Any]:
    return np.array([one for batch in kept for one in batch.plain[name]], kind)
