"""The two halves of a decision: ``prepare`` judges every gate but the budgets, ``resolve`` ranks, draws and places.

Neither changes its arguments; both are functions of them alone, so a logged decision can be run again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arbitration.asking import request_problem
from models.arbitration.contact_policy import ContactJudge
from models.arbitration.control import control_group
from models.arbitration.funnel import funnel
from models.arbitration.index import index_for
from models.arbitration.placing import Placing
from models.arbitration.preparation import Preparation, Verdict
from models.arbitration.priority import rank
from models.arbitration.purse import Purse
from models.arbitration.ranking import Ranking
from models.arbitration.ruling import Ruling
from models.catalog.plan import Mask, Plan
from models.errors import InvariantBroken
from models.profile import predicates
from models.profile.state import Profile
from models.scoring.evidence import Evidence
from models.times import format_time

__all__ = ["Preparation", "Verdict", "prepare", "resolve"]


def prepare(
    profile: Profile, plan: Plan, request: dict[str, Any], seed: bytes, now_ms: int, evidence: Evidence,
) -> Preparation:
    """Judge every gate up to ``contact_policy``. A request that does not fit the plan comes back with ``problem``.

    ``request`` is the internal form of the gateway; its ``event`` is None or the contract's event object.
    """
    prepared = Preparation(
        plan, request, seed, now_ms, profile.state_version, evidence.version, request_problem(plan, request)
    )
    if prepared.problem is not None:
        return prepared
    channel = plan.channels[request["channel"]]
    index = index_for(plan)
    prepared.standing = predicates.standing(profile, plan, now_ms)
    ruling = Ruling(index, prepared.standing, request, now_ms)
    control = control_group(plan, profile.customer_id.encode(), now_ms)
    prepared.channel, prepared.control_group = channel, control
    prepared.rule_errors, prepared.weight_errors = ruling.errors, ruling.weight_errors
    passed = funnel(index, ruling, channel, profile, request, control, now_ms)
    prepared.fitting, prepared.fallbacks, prepared.needs = passed.fitting, passed.fallbacks, passed.needs
    treated = passed.remaining["treatment"]
    positions = sum(asked["count"] for asked in request["placements"])
    judge = prepared.judge = ContactJudge(index, channel, profile, now_ms, treated, positions)
    if judge.refuses_nothing:
        admitted, prepared.scored, weights = treated, passed.actions, passed.weight_rules
    else:
        admitted = _admitted(prepared, judge, treated)
        prepared.scored = np.flatnonzero(admitted).astype(np.uint16)
        weights = tuple(plan.context_weight[prepared.scored].tolist())
    prepared.remaining = {**passed.remaining, "contact_policy": admitted}
    plain = passed.plain_weights[: len(weights)]
    prepared.context_weights = plain or tuple(ruling.weight(rule) for rule in weights)
    prepared.evidence = evidence.propensities(plan)
    return prepared


def resolve(
    preparation: Preparation, scores: NDArray[np.float32] | None, degraded: bool, free: Callable[[str, str], int],
    scorer_version: str | None, ranking: Ranking | None = None,
) -> Verdict:
    """Rank by ``scores`` (one per ``preparation.scored``; None: evidence decides) and fill the positions.

    ``ranking`` is ``rank(preparation, scores)`` where the caller has it already, from ``rank_all``.
    ``free(budget id, period key)`` gives the units free at this shard; it is asked once per budget.
    """
    judge, channel = preparation.judge, preparation.channel
    if judge is None or channel is None:
        raise InvariantBroken("a request with a problem cannot be resolved; answer with the problem")
    purse = Purse(preparation.plan, free, preparation.now_ms)
    if ranking is None:
        ranking = rank(preparation, scores)
    dry = _dry(preparation, judge, purse, ranking.actions)
    ranked = ranking.without(dry)
    placing = Placing(preparation, channel, ranked, judge, purse)
    placements = [placing.fill(asked["id"], asked["count"]) for asked in preparation.request["placements"]]
    purse.close()
    return Verdict(
        items=tuple(placing.items), free=purse.consulted,
        body=_body(preparation, degraded, scorer_version, placements), ranked=ranked, dry=dry,
        propensity_source="evidence" if scores is None else "scorer", judge=placing.judge, purse=purse,
    )


def _admitted(prepared: Preparation, judge: ContactJudge, alive: Mask) -> Mask:
    """The actions of which at least one fitting treatment passes the contact policies."""
    actions = prepared.plan.actions
    admitted = np.zeros_like(alive)
    for fitting in prepared.fitting.values():
        for action, treatment in fitting.items():
            if not admitted[action] and judge.refusal(actions[action], treatment) is None:
                admitted[action] = True
    return admitted


def _dry(
    prepared: Preparation, judge: ContactJudge, purse: Purse, actions: list[int],
) -> dict[int, tuple[str, str]]:
    """The actions none of whose admitted treatments can be paid, each with what the first of them lacks."""
    if purse.pays(prepared.needs):
        return {}
    plan = prepared.plan
    dry: dict[int, tuple[str, str]] = {}
    for action in sorted(actions):
        for fitting in prepared.fitting.values():
            treatment = fitting.get(action)
            if treatment is None:
                continue
            if not judge.refuses_nothing and judge.refusal(plan.actions[action], treatment) is not None:
                continue
            lack = purse.lacks(treatment)
            if lack is None:
                dry.pop(action, None)
                break
            dry.setdefault(action, lack)
    return dry


def _body(
    prepared: Preparation, degraded: bool, scorer_version: str | None, placements: list[dict[str, Any]],
) -> dict[str, Any]:
    request, channel = prepared.request, prepared.channel
    assert channel is not None
    return {
        "decision_id": None, "request_id": request["request_id"], "customer_id": request["customer_id"],
        "time": format_time(prepared.now_ms), "state_version": None, "catalog_version": prepared.plan.version,
        "scorer_version": scorer_version, "control_group": prepared.control_group, "degraded": degraded,
        "dry_run": request["dry_run"], "placements": placements,
    }
