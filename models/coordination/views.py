"""What the coordinator shows: budgets, scorers, its status."""

from __future__ import annotations

from typing import Any

from models.budgets.grants import Account
from models.budgets.periods import period_bounds, period_key
from models.coordination.granting import Round, has_first_grants
from models.coordination.live import LiveShard
from models.coordination.rolebook import RoleBook
from models.coordination.state import CoordinatorState, RegisteredScorer
from models.scoring.roles import MILLIONTHS
from models.times import format_time


def budgets_view(round_: Round) -> dict[str, Any]:
    """``GET /v1/budgets``, in catalog order; a budget with a period shows the current one. Budgets that left the
    catalog follow while units of them are held."""
    plan, state = round_.plan, round_.state
    shown = []
    for budget in plan.budgets.values():
        key = period_key(budget.period, round_.decision_ms, plan.zone)
        span = None
        if budget.period:
            start_ms, end_ms = period_bounds(budget.period, round_.decision_ms, plan.zone)
            span = {"kind": budget.period, "from": format_time(start_ms), "until": format_time(end_ms)}
        shown.append({**_budget(state, budget.id, budget.unit, key), "period": span})
    for (budget_id, period), account in state.accounts.items():
        if budget_id not in plan.budgets and any(account.held.values()):
            shown.append({**_budget(state, budget_id, "", period), "period": None})
    return {"budgets": shown}


def _budget(state: CoordinatorState, budget_id: str, unit: str, period: str) -> dict[str, Any]:
    account = state.account(budget_id, period)
    cap, spent, held = state.caps.get(budget_id, 0), sum(account.spent.values()), sum(account.held.values())
    return {
        "id": budget_id, "unit": unit, "cap": cap, "granted": account.outstanding, "spent": spent, "held": held,
        "unfunded": sum(account.unfunded.values()), "available": cap - spent - held,
        "shards": [_share(account, shard) for shard in sorted(account.granted)],
    }


def _share(account: Account, shard: int) -> dict[str, int]:
    """What lies at one shard: ``granted`` less what it gave back; the rest as it reported last."""
    return {
        "shard": shard, "granted": account.granted[shard] - account.returned.get(shard, 0),
        "spent": account.spent.get(shard, 0), "held": account.held.get(shard, 0),
    }


def scorers_view(state: CoordinatorState) -> dict[str, Any]:
    """``GET /v1/scorers``, the newest first; ``history``: the champions before, the newest first."""
    newest = sorted(state.scorers.values(), key=lambda s: -s.registered_ms)
    book = state.roles
    return {
        "champion": state.champion, "canary": book.canary, "share": book.canary_millionths / MILLIONTHS,
        "shadows": list(book.shadows), "targets": dict(book.targets), "note": state.scorer_note,
        "history": [
            {"version": reign.version, "from": _when(reign.from_ms), "until": _when(reign.until_ms)}
            for reign in reversed(book.former)
        ],
        "scorers": [_scorer(scorer, book) for scorer in newest],
    }


def role_view(state: CoordinatorState, version: str | None) -> dict[str, Any]:
    """What a change of roles is answered with; version None: evidence alone decides."""
    if version is None:
        return {"version": None, "role": "champion", "share": None, "since": _when(state.roles.champion_since_ms)}
    return {"version": version, **_role(state.roles, version)}


def _role(book: RoleBook, version: str) -> dict[str, Any]:
    role = book.role_of(version)
    share = book.canary_millionths / MILLIONTHS if role == "canary" else None
    return {"role": role, "share": share, "since": _when(book.since.get(version, 0))}


def _scorer(scorer: RegisteredScorer, book: RoleBook) -> dict[str, Any]:
    return {
        "version": scorer.version, **_role(book, scorer.version), "note": book.notes.get(scorer.version, ""),
        "target": scorer.manifest.get("target") or None, "in_experiment": scorer.version in book.named,
        "registered": format_time(scorer.registered_ms), "manifest": scorer.manifest,
    }


def _when(at_ms: int) -> str | None:
    return format_time(at_ms) if at_ms else None


def status_view(
    state: CoordinatorState, live: dict[int, LiveShard], round_: Round | None, now_ms: int,
) -> dict[str, Any]:
    """The coordinator's part of ``GET /v1/status``; ``round_`` is None before the first catalog."""
    shards = [_shard(live[shard], round_, now_ms) for shard in sorted(live)]
    return {
        "catalog_version": state.catalog_version or None, "evidence_version": state.evidence.version,
        "scorer_version": state.champion, "scorer_note": state.scorer_note, "shards": shards,
    }


def _shard(live: LiveShard, round_: Round | None, now_ms: int) -> dict[str, Any]:
    return {
        "shard": live.shard, "epoch": live.epoch, "live": live.is_live(now_ms),
        "ready": round_ is not None and bool(live.catalog_version) and has_first_grants(round_, live),
        "catalog_version": live.catalog_version or None, "evidence_version": live.evidence_version,
        "roles_number": live.roles_number, "clock_ms": live.clock_ms,
        "reported_ms_ago": max(0, now_ms - live.reported_ms) if live.number >= 0 else None,
    }
