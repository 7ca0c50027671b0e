"""Which candidates of decisions that explain themselves are sent to the scorer again, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.catalog.plan import Plan
from models.scoring.contributions import Strongest, strongest

#: Action id -> what spoke most for and against it.
TopFeatures = Mapping[str, Strongest]
Rows = NDArray[np.intp]

_NO_ROWS = np.empty(0, np.intp)


def best_rows(scores: NDArray[np.float32], rows_max: int = limits.EXPLAINED_ROWS_MAX) -> Rows:
    """Places of the best ``rows_max`` scores, ascending: as many as the scorer explains at once."""
    return np.sort(np.argsort(-scores, kind="stable")[:rows_max])


def rows_to_explain(parts: Sequence[tuple[int, bool]], scores: NDArray[np.float32] | None) -> Rows:
    """Rows of a wave's matrix whose contributions are wanted. ``parts``: (rows, explains itself) per decision.

    Decisions that explain themselves share what the scorer explains at once, each with its best candidates.
    """
    explaining = sum(explains for _, explains in parts)
    if scores is None or not explaining:
        return _NO_ROWS
    share = max(1, limits.EXPLAINED_ROWS_MAX // explaining)
    found, start = [], 0
    for count, explains in parts:
        if explains:
            found.append(start + best_rows(scores[start : start + count], share))
        start += count
    return np.concatenate(found)[: limits.EXPLAINED_ROWS_MAX]


def by_action(
    plan: Plan, features: Sequence[str], actions: NDArray[np.uint16], contributions: NDArray[np.float32],
) -> dict[str, Strongest]:
    """``actions``: per row of ``contributions`` the index of its action in the plan."""
    return {
        plan.actions[action].id: strongest(features, row)
        for action, row in zip(actions.tolist(), contributions, strict=True)
    }
