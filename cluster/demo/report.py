"""The demo's report, as a dict for ``--json`` and as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from cluster.demo.journey import PROVENANCE
from cluster.demo.tally import Mailing, Tally
from cluster.demo.verify import Verdict
from models.scoring import metrics
from models.scoring.manifest import Manifest

_GATES = (
    "candidates", "request", "control_group", "valid", "eligibility", "applicability", "suitability", "consent",
    "quiet_hours", "treatment", "contact_policy", "budget", "ranked", "chosen",
)


@dataclass(frozen=True, slots=True)
class Judged:
    """The scorer on the later campaigns, which began after all that it learnt from had ended."""

    auc: float
    log_loss: float
    base_log_loss: float
    rows: int
    accepted: int
    campaigns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """Everything the report is made of."""

    households: int
    cut_off: str
    imported: int
    imported_s: float
    tally: Tally
    replay_s: float
    manifest: Manifest
    judged: Judged
    verdict: Verdict
    #: None without ``--chaos``.
    chaos: dict[str, Any] | None
    total_s: float
    repeats: int


def report(played: Played) -> dict[str, Any]:
    tally, verdict, judged = played.tally, played.verdict, played.judged
    milliseconds = np.array(tally.latencies_s or [0.0]) * 1_000
    p50, p99 = np.percentile(milliseconds, [50, 99])
    events = len(tally.acknowledged)
    return {
        "data": PROVENANCE, "households": played.households, "cut_off": played.cut_off,
        "seconds": {"total": round(played.total_s, 1), "import": round(played.imported_s, 1),
                    "replay": round(played.replay_s, 1), "deciding": round(tally.deciding_s, 1),
                    "clock": round(tally.clock_s, 1), "outcomes": round(tally.reporting_s, 1)},
        "events": {"imported": played.imported, "imported_per_s": _rate(played.imported, played.imported_s),
                   "replayed": events, "replayed_per_s": _rate(events, tally.deciding_s)},
        "decisions": {"count": tally.decisions, "per_s": _rate(tally.decisions, tally.deciding_s),
                      "items": tally.items, "fallbacks": tally.fallbacks, "in_control_group": tally.control,
                      "degraded": tally.degraded},
        "latency_ms": {"p50": round(float(p50), 1), "p99": round(float(p99), 1),
                       "max": round(float(milliseconds.max()), 1), "calls_repeated": played.repeats},
        "funnel": {"explanations": tally.explained, **{gate: tally.funnel[gate] for gate in _GATES}},
        "removed_by": dict(tally.removed_by.most_common()),
        "acceptance": _acceptance(tally.mailings),
        "outcomes": dict(sorted(tally.outcomes.items())) | {"unfunded": tally.unfunded, "late": tally.late},
        "scorer": {
            "version": played.manifest.version, "trained_on": played.manifest.rows["all"],
            "auc_later_campaigns": round(judged.auc, 4), "log_loss": round(judged.log_loss, 4),
            "base_log_loss": round(judged.base_log_loss, 4), "judged_on": judged.rows,
            "redeemed": judged.accepted, "campaigns": list(judged.campaigns), **_live(tally.mailings),
        },
        "promises": {
            "contacts_counted": verdict.contacts, "caps_violated": sum(verdict.caps_exceeded.values()),
            "caps": verdict.caps_exceeded, "budgets_overspent": sum(verdict.overspent.values()),
            "budgets": verdict.overspent, "acknowledged_events_missing": verdict.missing,
            "events_found": verdict.events,
        },
        "chaos": played.chaos,
    }


def _rate(count: int, seconds: float) -> float:
    return round(count / seconds, 1) if seconds else 0.0


def _acceptance(mailings: Sequence[Mailing]) -> dict[str, Any]:
    matched = [one for one in mailings if one.matched]
    return {
        "matched": _share(matched), "logged": _share(mailings),
        "note": "targeting was observational, without propensities: a comparison, not an estimate of an effect",
    }


def _share(mailings: Sequence[Mailing]) -> dict[str, Any]:
    redeemed = sum(one.redeemed for one in mailings)
    return {"mailings": len(mailings), "redeemed": redeemed, "rate": round(redeemed / max(1, len(mailings)), 4)}


def _live(mailings: Sequence[Mailing]) -> dict[str, Any]:
    """What the live decisions said of the campaigns that history sent."""
    scored = [one for one in mailings if one.propensity is not None]
    label = np.array([one.redeemed for one in scored], np.uint8)
    found = metrics.auc(label, np.array([one.propensity for one in scored], np.float32)) if scored else float("nan")
    return {"live_scored": len(scored), "live_auc": None if np.isnan(found) else round(found, 4)}


def print_report(body: dict[str, Any], console: Console) -> None:
    console.print(f"\n[dim]{body['data']}[/dim]")
    table = Table(title="Kairos demo", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for row in _lines(body):
        table.add_row(*row)
    console.print(table)
    console.print(f"[dim]acceptance: {body['acceptance']['note']}[/dim]")
    _print_funnel(body["funnel"], console)


def _lines(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    events, decisions, latency = body["events"], body["decisions"], body["latency_ms"]
    accepted, scorer, promises = body["acceptance"], body["scorer"], body["promises"]
    matched, logged = accepted["matched"], accepted["logged"]
    lines = [
        ("customers", f"{body['households']:,}", f"replayed from {body['cut_off']} to the end of the year"),
        ("events imported", f"{events['imported_per_s']:,.0f}/s", f"{events['imported']:,} baskets before the cut-off"),
        ("events replayed", f"{events['replayed_per_s']:,.0f}/s", f"{events['replayed']:,} baskets, one per decision"),
        ("decisions", f"{decisions['per_s']:,.0f}/s",
         f"{decisions['count']:,}, of which {decisions['degraded']:,} degraded; {decisions['items']:,} offers"),
        ("latency p50", f"{latency['p50']:.1f} ms", "seen by the caller, 32 in flight"),
        ("latency p99", f"{latency['p99']:.1f} ms", f"longest {latency['max']:,.0f} ms"),
        ("acceptance, matched", f"{matched['rate']:.1%}", f"{matched['redeemed']} of {matched['mailings']:,} mailings"),
        ("acceptance, logged", f"{logged['rate']:.1%}", f"{logged['redeemed']} of {logged['mailings']:,} mailings"),
        ("AUC, later campaigns", f"{scorer['auc_later_campaigns']:.3f}",
         f"time split: {scorer['judged_on']:,} mailings after the cut-off, {scorer['trained_on']:,} before trained"),
        ("caps violated", f"{promises['caps_violated']}", f"counted again, {promises['contacts_counted']:,} contacts"),
        ("budgets overspent", f"{promises['budgets_overspent']}", "units, by the books and by the timelines"),
        ("acknowledged events missing", f"{promises['acknowledged_events_missing']}",
         f"{promises['events_found']:,} found in timelines"),
    ]
    if body["chaos"] is not None:
        chaos = body["chaos"]
        lines.append((
            "shard killed (kill -9)", f"pid {chaos['pid']}", f"longest wait after it {chaos['longest_wait_ms']:,} ms",
        ))
    return lines


def _print_funnel(funnel: dict[str, int], console: Console) -> None:
    table = Table(title=f"funnel of {funnel['explanations']:,} explained decisions", title_justify="left")
    table.add_column("gate")
    table.add_column("left after it", justify="right")
    for gate in _GATES:
        table.add_row(gate, f"{funnel[gate]:,}")
    console.print(table)
