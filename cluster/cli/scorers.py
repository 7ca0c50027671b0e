"""``kairos scorer``: which scorers there are, which of them decide, and changes of their roles on a live server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cluster.cli.options import AsJson, DataDir, Key, Url, server
from cluster.client import Kairos, RoleChanged

app = typer.Typer(
    help="List scorers; promote, shadow, canary, retire or roll back on a live server.", no_args_is_help=True,
)
Version = Annotated[str, typer.Argument(help="As `kairos scorer list` shows it.")]
#: Of a list: from the manifest's metrics, where they are there.
_METRICS = ("auc", "log_loss")
_WIDTH_MAX = 1_000


@app.command("list")
def list_(data_dir: DataDir = None, url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """Show every registered scorer with its role, the newest first, and whether what it predicts comes true.

    observed/predicted: acceptances over those that were expected, of so many labels in the window of monitoring.
    """
    with _client(data_dir, url, key) as client:
        told = client.call("GET", "/v1/scorers").value()
    if as_json:
        print(json.dumps(told, indent=2))
        return
    _print(_table(told["scorers"]))
    if told["note"]:
        Console().print(told["note"], style="yellow")


@app.command()
def promote(
    version: Version, data_dir: DataDir = None, url: Url = None, key: Key = None, as_json: AsJson = False
) -> None:
    """Make a scorer champion, or the predictor of its target; refused where it does not fit the catalog."""
    with _client(data_dir, url, key) as client:
        _say(client.promote(version), as_json)


@app.command()
def shadow(
    version: Version, data_dir: DataDir = None, url: Url = None, key: Key = None, as_json: AsJson = False
) -> None:
    """Let a scorer score what others decide."""
    with _client(data_dir, url, key) as client:
        _say(client.shadow(version), as_json)


@app.command()
def canary(
    version: Version,
    share: Annotated[float, typer.Option(min=0.0, max=1.0, help="Of the customers; 0 ends the canary.")],
    data_dir: DataDir = None, url: Url = None, key: Key = None, as_json: AsJson = False,
) -> None:
    """Let a scorer decide for a stable share of the customers."""
    with _client(data_dir, url, key) as client:
        _say(client.canary(version, share), as_json)


@app.command()
def retire(
    version: Version, data_dir: DataDir = None, url: Url = None, key: Key = None, as_json: AsJson = False
) -> None:
    """Take every role from a scorer that is not champion."""
    with _client(data_dir, url, key) as client:
        _say(client.retire(version), as_json)


@app.command()
def rollback(data_dir: DataDir = None, url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """Make the champion before champion again; before a first one evidence alone decided."""
    with _client(data_dir, url, key) as client:
        _say(client.roll_back(), as_json)


def _client(data_dir: Path | None, url: str | None, key: str | None) -> Kairos:
    return Kairos(*server(data_dir, url, key))


def _say(changed: RoleChanged, as_json: bool) -> None:
    if as_json:
        print(json.dumps(dict(changed.data)))
        return
    what = f"{changed.version}: {changed.role}" if changed.version else "evidence alone decides"
    share = f" for {changed.share:.4%} of the customers" if changed.share is not None else ""
    late = f"; shards {list(changed.waiting_for)} have yet to adopt it" if changed.waiting_for else ""
    print(f"{what}{share}{late}")


def _print(table: Table) -> None:
    """As wide as it is, wider than a terminal too: nobody can copy a version that is cut."""
    console = Console()
    wanted = console.measure(table, options=console.options.update(width=_WIDTH_MAX)).maximum
    Console(width=max(console.width, wanted)).print(table)


def _table(scorers: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(
        "version", "role", "share", "since", "target", "rows", *_METRICS, "observed/predicted", "drifted", "note",
        box=SIMPLE_HEAD,
    )
    for one in scorers:
        metrics, rows = one["manifest"].get("metrics", {}), one["manifest"].get("rows", {})
        figures = [f"{metrics[name]:.4f}" if name in metrics else "-" for name in _METRICS]
        share = f"{one['share']:.4%}" if one["share"] is not None else "-"
        table.add_row(
            one["version"], one["role"], share, one["since"] or "-", one["target"] or "-", str(rows.get("all", "-")),
            *figures, *_watched(one.get("monitor")), one["note"],
        )
    return table


def _watched(monitor: Mapping[str, Any] | None) -> tuple[str, str]:
    """The ratio over how many labels, and what has drifted; "-" for what nobody has seen yet."""
    if monitor is None:
        return "-", "-"
    features = monitor["features"] or {"rows": 0, "drifted": 0}
    if not monitor["rows"] and not features["rows"]:
        return "-", "-"
    ratio = "-" if monitor["ratio"] is None else f"{monitor['ratio']:.2f} of {monitor['rows']}"
    drifted = ["calibration"] if monitor["drifted"] else []
    drifted += [f"features: {features['drifted']}"] if features["drifted"] else []
    return ratio, ", ".join(drifted) or "no"
