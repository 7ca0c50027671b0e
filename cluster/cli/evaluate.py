"""``kairos evaluate``: what a policy would have earned, from what another one logged."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cluster.cli.options import AsJson
from cluster.evaluating import load
from models.evaluation.estimate import Estimate
from models.evaluation.report import Report, evaluate

_NAMES = {
    "ips": "inverse propensity", "snips": "self-normalised", "dm": "direct method", "dr": "doubly robust",
    "switch_dr": "switch-DR",
}


def evaluate_policy(
    log: Annotated[Path | None, typer.Option(help="What was logged, as Parquet.", exists=True, dir_okay=False)] = None,
    policy: Annotated[
        Path | None, typer.Option(help="The policy to evaluate on it, as Parquet.", exists=True, dir_okay=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Exit with 0 though the log cannot carry the answer.")] = False,
    as_json: AsJson = False,
) -> None:
    """Estimate what a policy would have earned, from a log that another policy wrote.

    Columns of --log: round_id, action, rank, reward, selection_probability (with which the action was chosen); every
    other column is context for the direct method. Columns of --policy: round_id, action, rank, probability, for each
    action that the policy may choose at each logged position. Values are mean rewards per position (a round and rank),
    standard errors hold for rounds that are independent. Refused (exit status 1) where the log cannot carry the answer:
    an effective sample size under 50 or under 1 % of the rounds, or choices that were never logged.
    """
    if log is None or policy is None:
        raise typer.BadParameter("say --log LOG.parquet and --policy POLICY.parquet")
    loaded = load(log, policy)
    tell(evaluate(loaded.log, loaded.policy, os.cpu_count() or 1, loaded.notes), as_json=as_json, force=force)


def tell(report: Report, *, as_json: bool, force: bool) -> None:
    """Print a report. A refused one exits with 1, unless it is forced; then a warning says so on standard error."""
    if as_json:
        print(json.dumps(report.to_wire(), indent=2, allow_nan=False))
    else:
        _print(report)
    if report.verdict.word == "refused":
        print(f"kairos: {'warning: ' if force else ''}refused: {report.verdict.why}", file=sys.stderr)
        if not force:
            raise typer.Exit(1)


def _print(report: Report) -> None:
    table = Table("", "value", "standard error", "95 % interval")
    for name, estimate in report.estimates.items():
        table.add_row(_NAMES[name], *_cells(estimate))
    table.add_section()
    table.add_row("the log itself", *_cells(report.logged))
    table.add_row("doubly robust above it", *_cells(report.lift))
    Console().print(table)
    print(f"{report.positions:,} positions of {report.rounds:,} rounds; effective sample size {report.ess:,.0f}, "
          f"largest weight {report.max_weight:,.4g}; the policy may show {report.overlap.covered:.1%} of what was")
    for note in report.notes:
        print(note)
    print(f"{report.verdict.word}: {report.verdict.why}")


def _cells(estimate: Estimate) -> tuple[str, str, str]:
    low, high = estimate.interval
    interval = "" if low is None or high is None else f"{low:.6f} to {high:.6f}"
    return _number(estimate.value), _number(estimate.se), interval


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.6f}"
