"""Why a decision came out as it did, for every candidate (the contract's Explanation)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from models.arbitration.preparation import GATES, GATES_PREPARED, Preparation, Verdict
from models.canonical import significant
from models.catalog.plan import Action, Mask
from models.errors import InvariantBroken
from models.profile.facts import ItemChosen
from models.times import format_time

TopFeatures = Mapping[str, Sequence[Sequence[Any]]]


def explain(preparation: Preparation, verdict: Verdict, top_features: TopFeatures | None = None) -> dict[str, Any]:
    """The explanation in the contract's field order; the turn fills ``decision_id`` (None here).

    ``top_features``: action id -> ``[feature, contribution]`` pairs, strongest first.
    """
    chosen = {item.action: item for item in verdict.items if not item.fallback}
    remaining = preparation.remaining
    explained: dict[str, Any] = {
        "decision_id": None,
        "time": format_time(preparation.now_ms),
        "versions": {
            "catalog": preparation.plan.version, "scorer": verdict.body["scorer_version"],
            "evidence": str(preparation.evidence_version), "state": preparation.state_version,
        },
        "seed": preparation.seed.hex(),
        "funnel": _funnel(remaining, verdict, len(chosen)),
        "candidates": [
            _candidate(preparation, remaining, verdict, action, chosen, top_features or {})
            for action in preparation.plan.actions if not action.fallback
        ],
    }
    if preparation.exposures:
        explained["experiments"] = dict(preparation.exposures)
    return explained


def _funnel(remaining: Mapping[str, Mask], verdict: Verdict, chosen: int) -> dict[str, int]:
    counts = {gate: int(np.count_nonzero(remaining[gate])) for gate in GATES[:GATES_PREPARED]}
    return {**counts, "budget": len(verdict.ranked), "ranked": len(verdict.ranked), "chosen": chosen}


def _candidate(
    preparation: Preparation, remaining: Mapping[str, Mask], verdict: Verdict, action: Action,
    chosen: Mapping[str, ItemChosen], top: TopFeatures,
) -> dict[str, Any]:
    if action.index in verdict.dry:
        budget, detail = verdict.dry[action.index]
        return _removed(action, "budget", budget, detail)
    if action.index not in verdict.ranked:
        gate = next(gate for gate in GATES[:GATES_PREPARED] if not remaining[gate][action.index])
        return _removed(action, gate, *_why(preparation, gate, action))
    item = chosen.get(action.id)
    if item is None:
        return {**_removed(action, "not_chosen", None, _why_not_chosen(preparation, verdict, action)),
                **_numbers(preparation, verdict, action, None, top)}
    return {
        "action": action.id, "placement": item.placement, "rank": item.rank,
        **_numbers(preparation, verdict, action, item, top),
    }


def _removed(action: Action, gate: str, rule: str | None, detail: str) -> dict[str, Any]:
    return {"action": action.id, "removed_by": gate, "rule": rule, "detail": detail}


def _numbers(
    preparation: Preparation, verdict: Verdict, action: Action, item: ItemChosen | None, top: TopFeatures,
) -> dict[str, Any]:
    ranked = verdict.ranked[action.index]
    numbers: dict[str, Any] = {
        "propensity": ranked.propensity, **_sources(preparation, verdict, action.index),
        "context_weight": ranked.context_weight, "value": action.value, "lever": action.lever,
        "priority": ranked.priority,
    }
    error = preparation.weight_errors.get(int(preparation.plan.context_weight[action.index]))
    if error:
        numbers["context_weight_error"] = error
    if item is not None:
        numbers["selection_probability"] = item.selection_probability
    numbers["top_features"] = [list(pair) for pair in top.get(action.id, ())]
    return numbers


def _sources(preparation: Preparation, verdict: Verdict, action: int) -> dict[str, Any]:
    """Where a propensity came from: what scorer and evidence say, and how much the scorer's word weighed."""
    weight, score = 0.0, None
    if verdict.scores is not None:
        place = int(np.searchsorted(preparation.scored, action))
        score = float(np.frombuffer(verdict.scores, np.float32)[place])
        if isfinite(score):
            weight = 1.0 if preparation.trust is None else float(preparation.trust[action])
        else:
            score = None
    return {
        "propensity_source": "scorer" if weight > 0.0 else "evidence", "scorer_weight": significant(weight),
        "scorer_propensity": None if score is None else significant(min(max(score, 0.0), 1.0)),
        "evidence_propensity": float(preparation.evidence[action]),
    }


def _why(preparation: Preparation, gate: str, action: Action) -> tuple[str | None, str]:
    """(rule, detail) of a removal by one of the gates that need neither score nor budget."""
    plan, channel = preparation.plan, preparation.asked.channel
    match gate:
        case "request":
            return None, "excluded by the request"
        case "control_group":
            return preparation.control_group, "held out; only mandatory actions and fallbacks are shown"
        case "valid":
            return None, _validity(action)
        case "eligibility":
            return _rule(preparation, int(plan.eligibility[action.index]))
        case "applicability":
            return _rule(preparation, int(plan.applicability[action.index]))
        case "suitability":
            return _rule(preparation, int(plan.suitability[action.index]))
        case "consent":
            return channel.consent, f"no consent to {channel.consent!r}, which channel {channel.id!r} needs"
        case "quiet_hours":
            return channel.id, f"quiet hours of channel {channel.id!r}"
        case "treatment":
            return _untreated(preparation, action)
        case _:
            return _refused(preparation, action)


def _rule(preparation: Preparation, rule: int) -> tuple[str, str]:
    plan, errors = preparation.plan, preparation.rule_errors
    source, read = plan.rules[rule].source, plan.rules[rule].segments
    if rule in errors:
        return source, f"rule erred: {errors[rule]}"
    erring = [
        f"; the rule of segment {segment.id!r} erred: {errors[segment.rule]}" for segment in plan.segments
        if segment.rule in errors and (read is None or segment.id in read)
    ]
    return source, "rule is false" + "".join(erring)


def _validity(action: Action) -> str:
    begins = "" if action.valid_from_ms is None else f" from {format_time(action.valid_from_ms)}"
    ends = "" if action.valid_until_ms is None else f" until {format_time(action.valid_until_ms)}"
    return f"valid{begins}{ends}"


def _untreated(preparation: Preparation, action: Action) -> tuple[str | None, str]:
    asked = preparation.asked.placements
    there = [treatment for treatment in action.treatments if treatment.placement in asked]
    if not there:
        return None, f"no treatment for {', '.join(asked)}"
    if action.index in preparation.passed.muted:
        return None, "the treatments that fit have weight 0"
    source, detail = _rule(preparation, there[0].when)
    return source, f"treatment {there[0].id!r}: {detail}"


def _refused(preparation: Preparation, action: Action) -> tuple[str, str]:
    for treatment in preparation.passed.treatments(action.index):
        refusal = preparation.judge.refusal(action, treatment)
        if refusal is not None:
            return refusal[0], refusal[1]()
    raise InvariantBroken(f"action {action.id!r} was removed by contact_policy, but no policy refuses it")


def _why_not_chosen(preparation: Preparation, verdict: Verdict, action: Action) -> str:
    """Pushed out by an item above it, or simply not drawn."""
    pushed = ""
    for treatment in preparation.passed.treatments(action.index):
        refusal = verdict.judge().refusal(action, treatment)
        lack = verdict.purse.lacks(treatment)
        if refusal is not None:
            pushed = pushed or f"refused with the items above it: {refusal[0]}: {refusal[1]()}"
        elif lack is not None:
            pushed = pushed or f"units went to the items above it: {lack[0]}: {lack[1]}"
        else:
            return "others took the positions"
    return pushed
