"""``kairos experiment``: which experiments there are, and what can be said of one right now."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cluster.cli.options import AsJson, DataDir, Key, Url, server
from cluster.client import Kairos

app = typer.Typer(no_args_is_help=True, help="Experiments and what came of them.")


@app.callback()
def experiment() -> None:
    """Experiments and what came of them."""


@app.command("list")
def list_experiments(data_dir: DataDir = None, url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """Experiments of the live catalog, and those that left it."""
    with Kairos(*server(data_dir, url, key)) as client:
        found = [dict(one.data) for one in client.experiments()]
    if as_json:
        print(json.dumps({"experiments": found}))
        return
    table = Table("id", "namespace", "state", "metric", "share", "variants", "assigned", "observed", "sample ratio")
    for one in found:
        table.add_row(
            one["id"], one["namespace"], one["state"], one["metric"], f"{one['share']:g}", ", ".join(one["variants"]),
            str(one["assigned"]), str(one["observed"]), "ALARM" if one["alarm"] else "fits",
        )
    Console().print(table)


@app.command()
def show(
    experiment_id: Annotated[str, typer.Argument(help="Its id in the catalog.", metavar="ID")],
    data_dir: DataDir = None, url: Url = None, key: Key = None, as_json: AsJson = False,
) -> None:
    """Each variant against the control. The intervals hold however often you look."""
    with Kairos(*server(data_dir, url, key)) as client:
        found = dict(client.experiment(experiment_id).data)
    if as_json:
        print(json.dumps(found))
        return
    console = Console()
    console.print(_table(found))
    ratio = found["sample_ratio"]
    console.print(f"sample ratio: {'ALARM: ' if ratio['alarm'] else ''}{ratio['why']}")
    for note in found["notes"]:
        console.print(f"note: {note}")


def _table(found: dict[str, Any]) -> Table:
    title = f"{found['id']} ({found['state']}): {found['metric']} per customer over {found['observe']}"
    table = Table(
        "variant", "weight", "assigned", "observed", "contacts", "accepts", "mean", "lift", "relative", "decided",
        title=title,
    )
    for one in found["variants"]:
        lift = one["lift"] or {}
        weight = "-" if one["weight"] is None else str(one["weight"])
        mean = "-" if one["mean"] is None else f"{one['mean']:.5g}"
        table.add_row(
            one["id"], weight, str(one["assigned"]), str(one["observed"]), str(one["contacts"]), str(one["accepts"]),
            mean, _estimate(lift.get("absolute"), 1.0, ""), _estimate(lift.get("relative"), 100.0, " %"),
            "control" if one["control"] else one["decided"],
        )
    return table


def _estimate(told: dict[str, Any] | None, times: float, unit: str) -> str:
    if told is None:
        return "-"
    low, high = told["ci"]
    return f"{told['value'] * times:+.3g}{unit} [{low * times:+.3g}, {high * times:+.3g}]"
