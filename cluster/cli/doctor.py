"""``kairos doctor``: whether this machine and this data directory can run Kairos, and what to do if not."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cluster import joining, preflight
from cluster.cli.options import AsJson, DataDir, live_url
from cluster.journal_check import journals, master_key
from cluster.settings import Settings, load_settings
from cluster.store_of import store_of
from models.errors import KairosError


def doctor(
    data_dir: DataDir = None,
    address: Annotated[str | None, typer.Option(help="Look at every node of this Ray cluster instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check versions, shadowed packages, ports, Serve variables, limits and the store."""
    settings = load_settings(data_dir=data_dir, address=address)
    _show(_of_cluster(settings) if address is not None else _of_machine(settings), as_json)


def _of_cluster(settings: Settings) -> list[preflight.Finding]:
    return [
        preflight.Finding(f"{node}: {finding.check}", finding.ok, finding.detail)
        for node, findings in joining.findings_of(settings).items() for finding in findings
    ]


def _of_machine(settings: Settings) -> list[preflight.Finding]:
    found = [*preflight.versions(), *preflight.shadowed(), *preflight.machine(settings.data_dir)]
    found += preflight.variables()
    live = live_url(settings.data_dir)
    found.append(
        preflight.Finding("server", True, f"runs at {live}") if live
        else preflight.port_free(settings.host, settings.port)
    )
    if live:
        found.append(preflight.console(live))
    try:
        store = store_of(settings)
        installation = store.read_installation()
    except KairosError as error:
        found.append(preflight.Finding("installation", False, str(error)))
    else:
        detail = f"{installation.shards} shards, {installation.store}" if installation else "none yet"
        found.append(preflight.Finding("installation", True, detail))
        if installation:
            found.append(master_key(store))
        if installation and not live:
            found += journals(store, installation)
    return found


def _show(found: list[preflight.Finding], as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        table = Table()
        for name in ("check", "ok", "detail"):
            table.add_column(name)
        for finding in found:
            table.add_row(finding.check, "yes" if finding.ok else "[bold red]NO[/bold red]", finding.detail)
        Console().print(table)
    if not all(finding.ok for finding in found):
        raise typer.Exit(1)
