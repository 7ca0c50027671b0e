"""What ``kairos train`` tells people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from models.times import format_time

#: Lines of a table; the rest is in the report's file.
_LINES = 15
_GROUP_HEADS = ("", "rows", "happened", "said", "AUC", "log loss", "RMSE")


def print_report(report: Mapping[str, Any], console: Console) -> None:
    rows, metrics = report["rows"], report["metrics"]
    console.print(
        f"[bold]{report['version']}[/bold]: {rows['all']:,} rows, grown on {rows['grown']:,} until "
        f"{format_time(report['trained_until_ms'])}, {report['params']['rounds']} trees, "
        f"{len(report['importance'])} features, calibration: {report['calibration']['kind']}"
    )
    console.print(f"judged on the latest {rows['test']:,} rows, which had no part in what they judge:")
    _print(console, "", ("", "it", "knowing nothing", "not calibrated"), _metrics(metrics))
    _print(console, "what it said and what happened", ("said", "happened", "95 %", "rows"), [
        (_number(one["said"]), _number(one["happened"]), f"{_number(one['low'])} to {_number(one['high'])}",
         f"{one['rows']:,}") for one in report["curve"]
    ])
    for title, groups in (("by action", report["by_action"]), ("by channel", report["by_channel"])):
        if groups:
            _print(console, title, _GROUP_HEADS, [_group(one) for one in groups])
    gains = [(one["feature"], f"{one['gain']:.1%}") for one in report["importance"]]
    _print(console, "importance: share of the trees' gain", ("feature", ""), gains)
    if report["dropped"]:
        _print(console, "dropped features", ("feature", "why"), list(report["dropped"].items()))
    if report["features_unweighed"]:
        console.print(f"features were not weighed: {report['features_unweighed']}")
    took = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in report["seconds"].items())
    console.print(f"[dim]{took}[/dim]\nreport: {report['report_folder']}", soft_wrap=True, highlight=False)


def _metrics(found: Mapping[str, float]) -> list[tuple[str, ...]]:
    names = {"auc": "AUC", "log_loss": "log loss", "brier": "Brier score", "ece": "calibration error (ECE)",
             "rmse": "RMSE", "mae": "mean absolute error", "r2": "R2"}
    return [
        (told, *(_number(found.get(f"{prefix}{name}")) for prefix in ("", "base_", "uncalibrated_")))
        for name, told in names.items() if name in found
    ]


def _group(one: Mapping[str, Any]) -> tuple[str, ...]:
    numbers = (one.get(name) for name in ("happened", "said", "auc", "log_loss", "rmse"))
    return (one["name"] or "none", f"{one['rows']:,}", *(_number(number) for number in numbers))


def _print(console: Console, title: str, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    filled = [place for place in range(len(heads)) if any(line[place] for line in lines)]
    table = Table(title=title or None, title_justify="left")
    for place in filled:
        table.add_column(heads[place], justify="left" if place == 0 or heads[place] == "why" else "right")
    for line in lines[:_LINES]:
        table.add_row(*(line[place] for place in filled))
    if len(lines) > _LINES:
        table.caption = f"and {len(lines) - _LINES} more, in the report's file"
    console.print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
