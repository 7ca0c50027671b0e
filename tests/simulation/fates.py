"""What a fact says of every action, against what the explanation says of it."""

from __future__ import annotations

from typing import Any

from models.arbitration import fates
from models.arbitration.contact_policy import LEDGER_RULE
from models.arbitration.preparation import GATES
from models.catalog.plan import Plan


def fates_told(plan: Plan, logged: bytes) -> dict[str, tuple[str, str | None]]:
    """Action -> (gate, rule) of every action that does more than fall back; the rule where a fate has one."""
    codes = fates.read(logged)
    assert len(codes) == len(plan.actions)
    told: dict[str, tuple[str, str | None]] = {}
    for action, code, gate, rule in zip(
        plan.actions, codes.tolist(), fates.gates_of(codes).tolist(), fates.rules_of(codes).tolist(), strict=True,
    ):
        assert (code == fates.FALLBACK) == action.fallback
        if not action.fallback:
            told[action.id] = (GATES[gate], _rule(plan, gate, rule))
    return told


def explained(explanation: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """The same by an explanation."""
    found: dict[str, tuple[str, str | None]] = {}
    for one in explanation["candidates"]:
        gate = one.get("removed_by", "chosen").replace("not_chosen", "ranked")
        found[one["action"]] = (gate, one["rule"] if gate in ("contact_policy", "budget") else None)
    return found


def _rule(plan: Plan, gate: int, rule: int) -> str | None:
    if gate == fates.CONTACT_POLICY:
        return LEDGER_RULE if rule == fates.NO_RULE else plan.policies[rule].id
    if gate == fates.BUDGET:
        return list(plan.budgets)[rule]
    assert rule == fates.NO_RULE
    return None
