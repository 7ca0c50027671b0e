"""What the coordinator shows: budgets, scorers, its status."""

from __future__ import annotations

from typing import Any

from models.budgets.periods import period_bounds, period_key
from models.coordination.granting import Round, has_first_grants
from models.coordination.live import LiveShard
from models.coordination.state import CoordinatorState, RegisteredScorer
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
    }


def scorers_view(state: CoordinatorState) -> dict[str, Any]:
    """``GET /v1/scorers``, the newest first."""
    newest = sorted(state.scorers.values(), key=lambda s: -s.registered_ms)
    return {
        "champion": state.champion, "note": state.champion_note,
        "scorers": [_scorer(scorer, state.champion) for scorer in newest],
    }


def _scorer(scorer: RegisteredScorer, champion: str | None) -> dict[str, Any]:
    return {
        "version": scorer.version, "role": "champion" if scorer.version == champion else "registered",
        "registered": format_time(scorer.registered_ms),
        "promoted": format_time(scorer.promoted_ms) if scorer.promoted_ms else None, "manifest": scorer.manifest,
    }


def status_view(
    state: CoordinatorState, live: dict[int, LiveShard], round_: Round | None, now_ms: int,
) -> dict[str, Any]:
    """The coordinator's part of ``GET /v1/status``; ``round_`` is None before the first catalog."""
    shards = [_shard(live[shard], round_, now_ms) for shard in sorted(live)]
    return {
        "catalog_version": state.catalog_version or None, "evidence_version": state.evidence.version,
        "scorer_version": state.champion, "scorer_note": state.champion_note, "shards": shards,
    }


def _shard(live: LiveShard, round_: Round | None, now_ms: int) -> dict[str, Any]:
    return {
        "shard": live.shard, "epoch": live.epoch, "live": live.is_live(now_ms),
        "ready": round_ is not None and bool(live.catalog_version) and has_first_grants(round_, live),
        "catalog_version": live.catalog_version or None, "evidence_version": live.evidence_version,
        "scorer_version": live.scorer_version, "clock_ms": live.clock_ms,
        "reported_ms_ago": max(0, now_ms - live.reported_ms) if live.number >= 0 else None,
    }
