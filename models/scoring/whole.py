"""All the rows there are, where those that training holds may be a sample of them.

What has to read every row is where the rows are: the instants of the split, the counts, and the growth of the trees.
Selection, calibration and judging read what is held.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.scoring.booster import Grown
from models.scoring.manifest import Objective
from models.scoring.rows import Matrix, Rows
from models.scoring.splitting import Instants, Split


@dataclass(frozen=True, slots=True)
class Census:
    """Counts over all rows."""

    #: By the names of ``Split.counted``.
    rows: dict[str, int]
    #: The accepted ones of these; empty where numbers are learnt.
    accepted: dict[str, int]
    #: Rows per action that the shipped trees grow on, and per group and issue of which there is a column.
    actions: dict[str, int]
    groups: dict[str, int]
    issues: dict[str, int]
    #: Decision times of the oldest and the newest of these rows.
    from_ms: int
    until_ms: int


class Growth(Protocol):
    """Grows trees on a part of all rows as ``models.scoring.booster.grow`` does. Parts are named as in ``Split``."""

    def __call__(
        self, features: tuple[str, ...], training: str, validation: str | None, *, rounds: int, patience: int,
        on_round: Callable[[int], None],
    ) -> Grown: ...


@dataclass(frozen=True, slots=True)
class Whole:
    instants: Instants
    census: Census
    grow: Growth


def census(rows: Rows, parts: Split, objective: Objective) -> Census:
    """Of rows that are all there are."""
    masks = parts.counted()
    learnt = np.flatnonzero(parts.before_latest)
    matrix = rows.part(parts.before_latest)[0]
    return Census(
        rows={name: int(mask.sum()) for name, mask in masks.items()},
        accepted={} if objective == "number" else {
            name: int((rows.label[mask] == 1).sum()) for name, mask in masks.items()},
        actions=rows.actions[parts.before_latest].counts(),
        groups=counts_of("group", rows.features, matrix), issues=counts_of("issue", rows.features, matrix),
        from_ms=int(rows.time_ms[learnt[0]]), until_ms=int(rows.time_ms[learnt[-1]]),
    )


def counts_of(kind: str, features: Sequence[str], matrix: Matrix) -> dict[str, int]:
    """How many rows have 1 in each column ``KIND.ID``: by id, those that occur."""
    columns = [(name.partition(".")[2], column) for column, name in enumerate(features) if name.startswith(f"{kind}.")]
    found = {id_: int(np.count_nonzero(matrix[:, column] == 1.0)) for id_, column in sorted(columns)}
    return {id_: count for id_, count in found.items() if count}
