"""What is asked about roles: each call is refused, changes nothing, or gives another book of roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models import limits
from models.catalog.plan import Plan
from models.coordination.commands import (
    Answer,
    CanaryScorer,
    PromoteScorer,
    RetireScorer,
    RoleCommand,
    RollBackScorer,
    ShadowScorer,
)
from models.coordination.rolebook import RoleBook
from models.coordination.state import CoordinatorState
from models.scoring.manifest import unresolved
from models.scoring.roles import MILLIONTHS
from models.scoring.targets import refusals
from models.turn.commands import problem


def decide(state: CoordinatorState, plan: Plan | None, command: RoleCommand, now_ms: int) -> Answer | RoleBook:
    """The book after the command, or why it is refused: 404 unknown, 422 misfit or a share that is none, 409 else."""
    book = state.roles
    if isinstance(command, RollBackScorer):
        return _rolled_back(state, plan, now_ms)
    if command.version not in state.scorers:
        known = ", ".join(state.scorers) or "none"
        return _refusal(404, "Unknown scorer", f"no scorer {command.version!r} is registered; known: {known}")
    if isinstance(command, RetireScorer):
        return _retired(book, command.version)
    if isinstance(command, CanaryScorer) and not 0 <= command.millionths <= MILLIONTHS:
        return _refusal(422, "Bad share", "a share is a number from 0 (ends the canary) to 1", ["share"])
    refused = _unfit(state, plan, command.version)
    if isinstance(command, PromoteScorer):
        refused = refused or _undeclared(state, plan, command)
    else:
        refused = refused or _misplaced(state, command)
    if refused is not None:
        return refused
    after = _placed(state, command, now_ms)
    if len(after.versions) > limits.ROLES_MAX:
        return _refusal(409, "Too many roles", f"at most {limits.ROLES_MAX} scorers have a role at once; retire one")
    return after


def misfits(state: CoordinatorState, plan: Plan) -> dict[str, list[str]]:
    """Version -> what this plan lacks, of every scorer with a role that does not fit it."""
    found = {version: _lacking(state, plan, version) for version in state.roles.versions}
    declared = _targets(plan)
    for target, version in state.roles.targets.items():
        if target not in declared:
            found[version] = [f"the catalog declares no target {target!r}", *found[version]]
    return {version: reasons for version, reasons in found.items() if reasons}


def named_by(catalog: Mapping[str, Any]) -> list[tuple[list[str | int], str]]:
    """(where, version) of every scorer that an experiment of a catalog names."""
    return [
        (["experiments", at, "variants", place, "scorer"], variant["scorer"])
        for at, experiment in enumerate(catalog.get("experiments") or ())
        for place, variant in enumerate(experiment.get("variants") or ()) if variant.get("scorer")
    ]


def unnameable(state: CoordinatorState, plan: Plan) -> Answer | None:
    """Why a catalog must not be published that names these scorers (422); None when it may."""
    errors: list[dict[str, Any]] = []
    for loc, version in named_by(plan.catalog):
        if version not in state.scorers:
            errors.append({"loc": loc, "msg": f"no scorer {version!r} is registered; see `kairos scorer list`"})
            continue
        reasons = _lacking(state, plan, version)
        if target_of(state, version):
            reasons = [*reasons, f"scorer {version} predicts target {target_of(state, version)!r}, not acceptance"]
        errors += [{"loc": loc, "msg": f"scorer {version} does not fit this catalog: {reason}"} for reason in reasons]
    named = {version for _, version in named_by(plan.catalog)}
    if len({*state.roles.naming(()).versions, *named}) > limits.ROLES_MAX:
        msg = f"these experiments name {len(named)} scorers; at most {limits.ROLES_MAX} have a role at once"
        errors.append({"loc": ["experiments"], "msg": msg})
    if not errors:
        return None
    detail = "an experiment names a scorer that cannot score under this catalog; train one on it, or name another"
    return Answer(422, problem(422, "Scorer does not fit", detail, errors=errors))


def target_of(state: CoordinatorState, version: str) -> str:
    """The target that a registered scorer predicts; "": acceptance."""
    return str(state.scorers[version].manifest.get("target") or "")


def _lacking(state: CoordinatorState, plan: Plan, version: str) -> list[str]:
    manifest = state.scorers[version].manifest
    if target_of(state, version) in plan.targets:
        return refusals(manifest, plan)
    return unresolved(manifest.get("features", ()), plan)


def _targets(plan: Plan) -> frozenset[str]:
    return frozenset(target["id"] for target in plan.catalog.get("targets") or ())


def _unfit(state: CoordinatorState, plan: Plan | None, version: str) -> Answer | None:
    if plan is None:
        return _refusal(409, "No catalog is live", "publish a catalog first: a scorer must fit it")
    reasons = _lacking(state, plan, version)
    if not reasons:
        return None
    detail = f"scorer {version} does not fit the catalog; train again or add what is missing"
    errors = [{"loc": ["features"], "msg": reason} for reason in reasons]
    return Answer(422, problem(422, "Scorer does not fit", detail, errors=errors))


def _undeclared(state: CoordinatorState, plan: Plan | None, command: PromoteScorer) -> Answer | None:
    """A target that the catalog does not have."""
    target = target_of(state, command.version)
    if not target or (plan is not None and target in _targets(plan)):
        return None
    detail = f"scorer {command.version} predicts target {target!r}, which the catalog does not declare"
    return _refusal(422, "Unknown target", detail, ["target"])


def _misplaced(state: CoordinatorState, command: ShadowScorer | CanaryScorer) -> Answer | None:
    """A role that this scorer cannot have."""
    if target_of(state, command.version):
        detail = f"scorer {command.version} predicts target {target_of(state, command.version)!r}; promote it instead"
        return _refusal(409, "Not a scorer of acceptance", detail)
    if command.version == state.roles.champion:
        detail = f"scorer {command.version} is champion; promote another one or roll back first"
        return _refusal(409, "The champion has its role", detail)
    shadows = state.roles.shadows
    if isinstance(command, ShadowScorer) and command.version not in shadows and len(shadows) >= limits.SHADOWS_MAX:
        return _refusal(409, "Too many shadows", f"at most {limits.SHADOWS_MAX} scorers shadow; retire one first")
    return None


def _placed(state: CoordinatorState, command: RoleCommand, now_ms: int) -> RoleBook:
    book = state.roles
    match command:
        case PromoteScorer(version):
            target = target_of(state, version)
            return book.targeted(target, version, now_ms) if target else book.promoted(version, now_ms)
        case CanaryScorer(version, millionths):
            return book.with_canary(version, millionths, now_ms)
        case ShadowScorer(version):
            return book.shadowed(version, now_ms)
        case RetireScorer() | RollBackScorer():
            return book


def _rolled_back(state: CoordinatorState, plan: Plan | None, now_ms: int) -> Answer | RoleBook:
    if not state.roles.former:
        return _refusal(409, "No champion before", "there is no champion before this one; promote a scorer")
    before = state.roles.former[-1].version
    refused = None if before is None else _unfit(state, plan, before)
    return refused or state.roles.rolled_back(now_ms)


def _retired(book: RoleBook, version: str) -> Answer | RoleBook:
    if version == book.champion:
        detail = f"scorer {version} is champion; promote another one or roll back first"
        return _refusal(409, "The champion cannot retire", detail)
    if version in book.named:
        detail = f"an experiment of the live catalog names scorer {version}; publish a catalog without it first"
        return _refusal(409, "An experiment needs this scorer", detail)
    return book.retired_from(version)


def _refusal(status: int, title: str, detail: str, loc: list[str | int] | None = None) -> Answer:
    errors = [{"loc": loc, "msg": detail}] if loc is not None else None
    return Answer(status, problem(status, title, detail, errors=errors))
