"""Why a decision came out as it did, for every candidate (the contract's Explanation)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.arbitration.preparation import Preparation, Verdict


def explain(
    preparation: Preparation, verdict: Verdict, top_features: Mapping[str, Sequence[Sequence[Any]]] | None = None,
) -> dict[str, Any]:
    """The explanation in the contract's field order; the turn fills ``decision_id`` (None here).

    ``top_features``: action id -> ``[feature, contribution]`` pairs, strongest first.
    """
    raise NotImplementedError
