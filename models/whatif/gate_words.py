"""Why a gate stops an action under one catalog and not under the other, as a business says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.catalog.plan import Plan
from models.whatif.changes import NEW, RULED, Changes

#: What the detail of an action begins with that a policy refuses because of what stands above it.
_PUSHED: Final = "refused with the items above it: "
#: A candidate of an explanation.
Entry = Mapping[str, Any]


def stopped(entry: Entry) -> str:
    """What stopped it, beginning with a small letter and without a stop."""
    gate, rule, detail = entry["removed_by"], entry.get("rule"), entry["detail"]
    match gate:
        case "control_group":
            return f"the customer is in the control group {rule!r}, which sees mandatory actions and fallbacks alone"
        case "valid":
            return f"it does not run at this time ({detail})"
        case "eligibility" | "applicability" | "suitability":
            return f"its {gate} rule `{rule}` {_failing(detail)}"
        case "treatment":
            return f"its treatment's condition `{rule}` {_failing(detail.partition(': ')[2])}" if rule else detail
        case "contact_policy":
            return f"contact policy {rule!r} forbids it ({detail})"
        case "budget":
            return f"budget {rule!r} cannot pay for it ({detail})"
        case _:  # request, consent, quiet_hours
            return str(detail)


def cause(changes: Changes, entry: Entry, *, under_live: bool) -> str:
    """What the candidate says otherwise so that the gate gave another answer; "" when nothing of it is known.

    ``under_live``: the live catalog stopped the action, and the candidate does not.
    """
    gate, rule, action = entry["removed_by"], entry.get("rule"), entry["action"]
    if gate in RULED:
        return _of_rule(changes, gate, action, under_live)
    match gate:
        case "control_group":
            return "the control group is another" if changes.arbitration("control_group") else ""
        case "contact_policy":
            return _of_policy(changes, str(rule), under_live)
        case "budget":
            return _of_budget(changes, str(rule))
        case "treatment":
            return _of_treatment(changes, action, rule, under_live)
        case "not_chosen":
            pushed = entry["detail"].removeprefix(_PUSHED)
            return _of_policy(changes, pushed.partition(":")[0], under_live) if pushed != entry["detail"] else ""
        case _:
            return ""


def _failing(detail: str) -> str:
    """``detail`` of a rule that is no reason to stay."""
    if detail.startswith("rule is false; "):
        return f"does not hold for this customer; {detail.removeprefix('rule is false; ')}"
    return "does not hold for this customer" if detail == "rule is false" else detail.replace("rule erred", "errs")


def _of_rule(changes: Changes, gate: str, action: str, under_live: bool) -> str:
    before, after = changes.rule(changes.live, gate, action), changes.rule(changes.candidate, gate, action)
    if before == after:
        return "; ".join(changes.behind(after))
    told = after if under_live else before
    when = "now it" if under_live else "before, it"
    return f"{when} has the rule `{told}`" if told else f"{when} has no such rule" if under_live else "the rule is new"


def _of_treatment(changes: Changes, action: str, rule: str | None, under_live: bool) -> str:
    if rule is None:
        return "it has one now" if under_live else "it had one before"
    if rule not in changes.conditions(changes.candidate if under_live else changes.live, action):
        return "the condition is gone" if under_live else "the condition is new"
    return "; ".join(changes.behind(rule))


def _of_policy(changes: Changes, policy: str, under_live: bool) -> str:
    if policy in changes.policies:
        return "the policy is new" if changes.policies[policy] == NEW else "the policy is another now"
    return "the policy is gone" if under_live and policy not in _policies(changes.candidate) else ""


def _of_budget(changes: Changes, budget: str) -> str:
    before, after = changes.live.budgets.get(budget), changes.candidate.budgets.get(budget)
    if before is None:
        return "the budget is new"
    if after is None:
        return "the budget is gone"
    if before.cap != after.cap:
        return f"its cap goes from {before.cap:,} to {after.cap:,}"
    return "" if (before.unit, before.period) == (after.unit, after.period) else "the budget is another now"


def _policies(plan: Plan) -> frozenset[str]:
    return frozenset(policy.id for policy in plan.policies)
