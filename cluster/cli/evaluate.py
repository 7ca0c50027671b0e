"""``kairos evaluate``: what a policy would have earned, from what another one logged."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from actors.access import read_admin_key
from actors.rule_trial import try_rules
from cluster.cli.options import AsJson, DataDir, Key, Url, data_dir_of, live_url, store_at
from cluster.evaluating import load
from cluster.evaluating_journal import Asked, candidate_of, evaluate_on_journals
from cluster.journal_source import open_journals
from models.catalog.check import check_text
from models.errors import BadInput
from models.evaluation.estimate import Estimate
from models.evaluation.journal import Reward
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
    catalog: Annotated[
        Path | None, typer.Option(help="Evaluate this catalog on Kairos's own journals.", exists=True, dir_okay=False)
    ] = None,
    scorer: Annotated[str | None, typer.Option(help="Evaluate this registered scorer on the same journals.")] = None,
    reward: Annotated[
        str, typer.Option(help="On journals: accept (1 for an acceptance within its window) or value (its value).")
    ] = "accept",
    force: Annotated[bool, typer.Option("--force", help="Exit with 0 though the log cannot carry the answer.")] = False,
    data_dir: DataDir = None, url: Url = None, key: Key = None, as_json: AsJson = False,
) -> None:
    """Estimate what a policy would have earned, from a log that another policy wrote.

    Either from files. Columns of --log: round_id, action, rank, reward, selection_probability (with which the action
    was chosen); every other column is context for the direct method. Columns of --policy: round_id, action, rank,
    probability, for each action that the policy may choose at each logged position.

    Or a candidate, --catalog FILE, --scorer VERSION or both, on the journals of a live server or of a stopped one: what
    it would have done in place of every logged decision, with the customer as it was, position by position.

    Values are mean rewards per position (a round and rank), standard errors hold for rounds that are independent.
    Refused (exit status 1) where the log cannot carry the answer: an effective sample size under 50 or under 1 % of the
    rounds, or choices that were never logged.
    """
    files, own = (log, policy), (catalog, scorer)
    if (all(files) and not any(own)) is (any(own) and not any(files)):
        raise typer.BadParameter("say --log and --policy, or --catalog or --scorer (or both of these)")
    if reward not in ("accept", "value"):
        raise typer.BadParameter("--reward is accept or value")
    try:
        if log is not None and policy is not None:
            loaded = load(log, policy)
            report = evaluate(loaded.log, loaded.policy, os.cpu_count() or 1, loaded.notes)
        else:
            worth: Reward = "value" if reward == "value" else "accept"
            report = _on_journals(catalog, scorer, worth, data_dir, url, key, as_json)
    except BadInput as error:
        if as_json:  # for machines, beside the line on standard error
            print(json.dumps({"verdict": "refused", "why": error.detail, "errors": error.errors}, indent=2))
        raise
    tell(report, as_json=as_json, force=force)


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


def _on_journals(
    catalog: Path | None, scorer: str | None, reward: Reward, data_dir: Path | None, url: str | None, key: str | None,
    as_json: bool,
) -> Report:
    place = data_dir_of(data_dir)
    live = url or live_url(place)
    bearer = key or os.environ.get("KAIROS_KEY") or (read_admin_key(place) if live else "")
    plan = None if catalog is None else check_text(_text(catalog), try_rules)
    store = store_at(data_dir)
    candidate = candidate_of(Asked(plan, scorer), store.scorers())
    with open_journals(store, live, bearer) as source, Progress(
        console=Console(stderr=True), transient=True, disable=as_json or not sys.stderr.isatty(),
    ) as bar:
        tasks = [bar.add_task(f"shard {shard}", total=None) for shard in range(source.shards)]
        return evaluate_on_journals(
            source, candidate, reward, os.cpu_count() or 1,
            lambda shard, row, last: bar.update(tasks[shard], completed=row, total=last),
        )


def _text(catalog: Path) -> str:
    try:
        return catalog.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {catalog} as UTF-8 text: {error}") from error


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
