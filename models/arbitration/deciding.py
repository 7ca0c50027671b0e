"""The two halves of a decision: ``prepare`` judges every gate but the budgets, ``resolve`` ranks, draws and places.

Neither changes its arguments; both are functions of them alone, so a logged decision can be run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.arbitration.above import Above
from models.arbitration.asking import Asked, asked_of
from models.arbitration.contact_policy import nothing_refuses
from models.arbitration.control import control_group
from models.arbitration.funnel import funnel
from models.arbitration.index import index_for
from models.arbitration.moment import moment_of
from models.arbitration.placing import Placing
from models.arbitration.preparation import Misfit, Preparation, Verdict
from models.arbitration.priority import rank
from models.arbitration.purse import Purse
from models.arbitration.ranking import Ranking
from models.arbitration.ruling import Ruling
from models.arbitration.terms import terms_of
from models.catalog.plan import Plan
from models.profile import predicates
from models.profile.state import Profile
from models.scoring.blending import trust
from models.scoring.evidence import Evidence
from models.scoring.roles import Roles
from models.times import format_time

__all__ = ["Misfit", "Preparation", "Verdict", "opening", "prepare", "resolve", "resolve_ranked"]

_NOBODY: Final[Mapping[int, tuple[str, str]]] = MappingProxyType({})


def prepare(
    profile: Profile, plan: Plan, request: dict[str, Any], seed: bytes, now_ms: int, evidence: Evidence, roles: Roles,
) -> Preparation | Misfit:
    """Judge every gate up to ``contact_policy``.

    ``request`` is the internal form of the gateway; its ``event`` is None or the contract's event object. ``roles`` are
    those of scorers that fit the plan.
    """
    index = index_for(plan)
    asked = asked_of(index, request)
    if not isinstance(asked, Asked):
        return Misfit(asked)
    moment = moment_of(index, now_ms)
    standing = predicates.standing(profile, plan, now_ms)
    prepared = Preparation(index, moment, asked, request, seed, profile, standing)
    control = prepared.control_group = control_group(plan, profile.customer_id, now_ms)
    terms = terms_of(index, profile, roles, asked.channel.id, control)
    prepared.arbitration, prepared.scorer = terms.arbitration, terms.scorer
    prepared.exposures, prepared.treatment_weights = terms.exposures, terms.treatment_weights
    _believe(prepared, evidence, roles)
    passed, ruling = funnel(index, moment, asked, standing, profile, request, control, terms.treatment_weights)
    prepared.passed, prepared.ruling = passed, ruling
    prepared.is_unrefused = nothing_refuses(index, profile, asked.positions)
    if prepared.is_unrefused or prepared.judge.refuses_nothing:
        prepared.scored, rules = passed.actions, passed.weight_rules
    else:
        prepared.scored, prepared.refused = _admitted(prepared)
        rules = tuple(plan.context_weight[prepared.scored].tolist())
    if passed.is_weighed:
        ruling = prepared.ruling = ruling or Ruling(index, standing, request, now_ms)
        prepared.context_weights = np.array([ruling.weight(rule) for rule in rules], np.float64)
    return prepared


def resolve(
    preparation: Preparation, scores: NDArray[np.float32] | None, degraded: bool, free: Callable[[str, str], int],
) -> Verdict:
    """Rank by ``scores`` (one per ``preparation.scored``; None: evidence decides) and fill the positions.

    ``free(budget id, period key)`` gives the units free at this shard; it is asked once per budget.
    """
    ranking = rank(preparation, scores)
    frozen = None if scores is None else scores.astype(np.float32, copy=False).tobytes()
    return resolve_ranked(preparation, ranking, frozen, degraded, free)


def resolve_ranked(
    preparation: Preparation, ranking: Ranking, scores: bytes | None, degraded: bool, free: Callable[[str, str], int],
) -> Verdict:
    """``resolve`` where the ranking was made with those of other decisions (``rank_all``) from these scores."""
    ranked, above, dry = _opened(preparation, ranking, free)
    placing = Placing(preparation, ranked, above)
    placements = [placing.fill(asked["id"], asked["count"]) for asked in preparation.request["placements"]]
    above.purse.close()
    return Verdict(
        tuple(placing.items), above.purse.consulted, _body(preparation, degraded, placements), ranked, dry, scores,
        above.judge, above.purse,
    )


def opening(
    preparation: Preparation, scores: NDArray[np.float32] | None, free: Callable[[str, str], int],
) -> tuple[Ranking, Above]:
    """What ``resolve`` begins with, for whoever asks ``chances.position_chances`` instead: the ranking of those who
    pass every gate, and nothing above the first position."""
    ranking, above, _ = _opened(preparation, rank(preparation, scores), free)
    return ranking, above


def _opened(
    preparation: Preparation, ranking: Ranking, free: Callable[[str, str], int],
) -> tuple[Ranking, Above, Mapping[int, tuple[str, str]]]:
    """With action index -> (budget id, what was missing) of those who fall out for want of units."""
    purse = Purse(preparation.plan, free, preparation.moment, preparation.passed.needs)
    dry = _NOBODY if purse.pays_all else _dry(preparation, purse, ranking.actions)
    return ranking.without(dry), Above(preparation, purse), dry


def _believe(prepared: Preparation, evidence: Evidence, roles: Roles) -> None:
    """What is known of every action's propensity, and how far its scorer is trusted with it."""
    plan, rules, scorer = prepared.plan, prepared.arbitration, prepared.scorer
    prepared.evidence, prepared.evidence_version = evidence.propensities(plan, rules), evidence.version
    prepared.contacts = evidence.contacts(plan, rules) if rules.exploration.method == "thompson" else None
    prepared.trust = None
    if scorer is not None:
        learnt = prepared.index.learnt(scorer, roles.manifests[scorer])
        prepared.trust = trust(learnt, plan, evidence, rules.evidence_blend)


def _admitted(prepared: Preparation) -> tuple[NDArray[np.uint16], dict[int, int]]:
    """The actions of which at least one fitting treatment passes the contact policies; the others, each with the place
    of the policy that refuses the first of its treatments."""
    actions, judge = prepared.plan.actions, prepared.judge
    admitted = np.zeros(len(actions), np.bool_)
    refused: dict[int, int] = {}
    passed = prepared.passed
    for placement, fitting in passed.fitting.items():
        for action in fitting:
            if admitted[action]:
                continue
            for treatment, _ in passed.options(placement, action):
                policy = judge.refused_by(actions[action], treatment)
                if policy is None:
                    admitted[action] = True
                    refused.pop(action, None)
                    break
                refused.setdefault(action, policy)
    return np.flatnonzero(admitted).astype(np.uint16), refused


def _dry(prepared: Preparation, purse: Purse, actions: list[int]) -> dict[int, tuple[str, str]]:
    """The actions none of whose admitted treatments can be paid, each with what the first of them lacks."""
    plan = prepared.plan
    judge = None if prepared.is_unrefused or prepared.judge.refuses_nothing else prepared.judge
    dry: dict[int, tuple[str, str]] = {}
    for action in sorted(actions):
        for treatment in prepared.passed.treatments(action):
            if judge is not None and judge.refusal(plan.actions[action], treatment) is not None:
                continue
            lack = purse.lacks(treatment)
            if lack is None:
                dry.pop(action, None)
                break
            dry.setdefault(action, lack)
    return dry


def _body(
    prepared: Preparation, degraded: bool, placements: list[dict[str, Any]],
) -> dict[str, Any]:
    request = prepared.request
    body: dict[str, Any] = {
        "decision_id": None, "request_id": request["request_id"], "customer_id": request["customer_id"],
        "time": format_time(prepared.moment.now_ms), "state_version": None, "catalog_version": prepared.plan.version,
        "scorer_version": prepared.scorer, "control_group": prepared.control_group, "degraded": degraded,
        "dry_run": request["dry_run"], "placements": placements,
    }
    if prepared.exposures:
        body["experiments"] = dict(prepared.exposures)
    return body
