"""The bodies that a decision answers with. Live and in replay the same function makes them: bytes must be equal."""

from __future__ import annotations

from typing import Any

from models.arbitration import explaining
from models.arbitration.preparation import Preparation, Verdict
from models.turn.top_features import TopFeatures


def answer(
    preparation: Preparation, verdict: Verdict, request: dict[str, Any], decision_id: str | None, state_version: int,
    top_features: TopFeatures,
) -> dict[str, Any]:
    """The contract's Decision; ``decision_id`` is None in a dry run, ``state_version`` the one after the decision."""
    body = verdict.body
    body["decision_id"] = decision_id
    body["state_version"] = state_version
    if request["explain"]:
        body["explanation"] = explanation(preparation, verdict, decision_id, top_features)
    return body


def explanation(
    preparation: Preparation, verdict: Verdict, decision_id: str | None, top_features: TopFeatures
) -> dict[str, Any]:
    """The contract's Explanation."""
    found = explaining.explain(preparation, verdict, top_features)
    found["decision_id"] = decision_id
    return found
