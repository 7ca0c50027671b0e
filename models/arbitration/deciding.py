"""The two halves of a decision: ``prepare`` judges every gate but the budgets, ``resolve`` ranks, draws and places.

Neither changes its arguments; both are functions of them alone, so a logged decision can be run again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arbitration.preparation import Preparation, Verdict
from models.catalog.plan import Plan
from models.profile.state import Profile
from models.scoring.evidence import Evidence

__all__ = ["Preparation", "Verdict", "prepare", "resolve"]


def prepare(
    profile: Profile, plan: Plan, request: dict[str, Any], seed: bytes, now_ms: int, evidence: Evidence,
) -> Preparation:
    """Judge every gate up to ``contact_policy``. A request that does not fit the plan comes back with ``problem``."""
    raise NotImplementedError


def resolve(
    preparation: Preparation, scores: NDArray[np.float32] | None, degraded: bool, free: Callable[[str, str], int],
    scorer_version: str | None,
) -> Verdict:
    """Rank by ``scores`` (one per ``preparation.scored``; None: evidence decides) and fill the positions.

    ``free(budget id, period key)`` gives the units free at this shard.
    """
    raise NotImplementedError
