"""``kairos audit``: re-execute decisions from the journal and compare bytes."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from actors.access import read_admin_key
from cluster.auditing import audit as run_audit
from cluster.cli.options import AsJson, DataDir, Key, Url, data_dir_of, live_url, store_at
from cluster.journal_source import open_journals


def audit(
    decision: Annotated[str | None, typer.Option(help="One decision's id.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every decision in the journals.")] = False,
    data_dir: DataDir = None, url: Url = None, key: Key = None, as_json: AsJson = False,
) -> None:
    """Re-execute decisions from the journal (a live server's or the stored one) and compare bytes."""
    if (decision is None) is not all_:
        raise typer.BadParameter("say either --decision ID or --all")
    place = data_dir_of(data_dir)
    live = url or live_url(place)
    bearer = key or os.environ.get("KAIROS_KEY") or (read_admin_key(place) if live else "")
    with open_journals(store_at(data_dir), live, bearer) as source, Progress(
        console=Console(stderr=True), transient=True, disable=as_json or not sys.stderr.isatty(),
    ) as bar:
        tasks = [bar.add_task(f"shard {shard}", total=None) for shard in range(source.shards)]
        found = run_audit(
            source, decision, lambda shard, row, last: bar.update(tasks[shard], completed=row, total=last),
        )
    if as_json:
        print(json.dumps(asdict(found), indent=2))
    else:
        print(f"{found.decisions} decisions, {found.same} the same to the byte, {len(found.different)} different, "
              f"{found.erased} erased segments")
    if found.different:
        print(f"kairos: different: {', '.join(found.different[:10])}", file=sys.stderr)
        raise typer.Exit(1)
    if decision is not None and not found.decisions:
        print(f"kairos: no decision {decision} in these journals (it may be erased or truncated)", file=sys.stderr)
        raise typer.Exit(1)
