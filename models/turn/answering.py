"""The bodies that a decision answers with. Live and in replay the same function makes them: bytes must be equal."""

from __future__ import annotations

from typing import Any

from models.arbitration import explaining
from models.arbitration.preparation import Preparation, Verdict


def answer(
    preparation: Preparation, verdict: Verdict, request: dict[str, Any], decision_id: str | None, state_version: int
) -> dict[str, Any]:
    """The contract's Decision; ``decision_id`` is None in a dry run, ``state_version`` the one after the decision."""
    body = verdict.body
    body["decision_id"] = decision_id
    body["state_version"] = state_version
    if request["explain"]:
        body["explanation"] = explanation(preparation, verdict, decision_id)
    return body


def explanation(preparation: Preparation, verdict: Verdict, decision_id: str | None) -> dict[str, Any]:
    """The contract's Explanation."""
    found = explaining.explain(preparation, verdict)
    found["decision_id"] = decision_id
    return found
