"""A verdict as tables for people."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from loadtests.verdict.judge import QUANTILES

_SIGN = {True: "[green]ok[/green]", False: "[bold red]FAILED[/bold red]", None: "[yellow]note[/yellow]"}


def print_verdict(body: dict[str, Any], console: Console) -> None:
    loop = body["loop"]
    how = f"{loop['users']} users" if loop["kind"] == "closed" else f"{loop['rate_per_s']:g}/s {loop['arrivals']}"
    console.print(
        f"\n[bold]{body['scenario']}[/bold] against {body['url']} ({body['transport']}), {how}, {body['seconds']} s, "
        f"run {body['run']}"
    )
    console.print(_calls(body))
    console.print(f"[dim]{loop['note']}[/dim]")
    _print_use(body, console)
    table = Table(show_header=False, box=None)
    for check in body["checks"]:
        table.add_row(_SIGN[check["passed"]], check["name"], check["said"])
    console.print(table)
    word = "[bold green]passed[/bold green]" if body["passed"] else "[bold red]FAILED[/bold red]"
    console.print(f"verdict: {word}")


def _calls(body: dict[str, Any]) -> Table:
    table = Table()
    table.add_column("call")
    for name in ("count", "per_s", *QUANTILES, "max_ms"):
        table.add_column(name.replace("_ms", " ms").replace("_9", ".9").replace("per_s", "/s"), justify="right")
    for call, figures in body["calls"].items():
        table.add_row(call, *(_number(figures[name]) for name in ("count", "per_s", *QUANTILES, "max_ms")))
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,}"


def _print_use(body: dict[str, Any], console: Console) -> None:
    degraded = body["degraded"]
    if degraded["decisions"]:
        share = f"{degraded['degraded']:,} of {degraded['decisions']:,} decisions ({degraded['share']:.2%})"
        console.print(f"degraded: {share}")
    server = body["server"]
    if server is None:
        console.print("server: CPU and memory not visible from here (give --data-dir when it runs on this machine)")
    else:
        cpu = ", ".join(f"{role} {used:g}" for role, used in server["cpu_s"].items())
        memory = ", ".join(f"{role} {size}" for role, size in server["memory_mb"].items())
        console.print(f"server CPU: {server['cores']} cores; seconds: {cpu}")
        console.print(
            f"server memory (private): {server['memory_mb_first']} -> {server['memory_mb_last']} MB; {memory}"
        )
    for number, one in enumerate(body["generators"]):
        console.print(
            f"generator {number}: {one['cpu_s']:g} s CPU ({one['core_share']:.0%} of a core), event loop late in "
            f"{one['late_share']:.1%} of beats, at most {one['late_max_ms']:g} ms"
        )
    for name in ("ceiling", "kills", "dry"):
        if body.get(name):
            console.print(f"{name}: {body[name]}")
