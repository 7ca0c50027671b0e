"""``kairos export``."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress

from actors.access import read_admin_key
from cluster.cli.options import AsJson, DataDir, Key, Url, data_dir_of, live_url, store_at
from cluster.exporting.exporting import Exported
from cluster.exporting.exporting import export as run_export
from cluster.journal_source import open_journals
from models.errors import BadInput
from models.scoring import exported as columns
from models.scoring.labels import ALL_TIME
from models.times import parse_time_ms

#: One line per paragraph, which the terminal breaks.
HELP: Final = "Write decisions and outcomes as Parquet, from the journals of a live server or the stored ones.\n\n" + (
    "\n\n".join(paragraph.replace("\n", " ") for paragraph in (columns.__doc__ or "").strip().split("\n\n"))
)


class Customers(StrEnum):
    none = "none"
    hashed = "hashed"


def export(
    out: Annotated[Path, typer.Option("--out", help="FILE.parquet, or a folder of files; made anew.")],
    since: Annotated[str | None, typer.Option(help="Decisions from this time on, like 2026-11-01T00:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Decisions before this time.")] = None,
    customers: Annotated[Customers, typer.Option(help="Whether rows say which ones are of one customer.")]
    = Customers.none,
    data_dir: DataDir = None, url: Url = None, key: Key = None, as_json: AsJson = False,
) -> None:
    """See ``HELP``."""
    span_ms = _span(since, until)
    place = data_dir_of(data_dir)
    live = url or live_url(place)
    bearer = "" if live is None else key or os.environ.get("KAIROS_KEY") or read_admin_key(place)
    with open_journals(store_at(data_dir), live, bearer) as source, Progress(
        console=Console(stderr=True), transient=True, disable=as_json or not sys.stderr.isatty(),
    ) as bar:
        tasks = [bar.add_task(f"shard {shard}", total=None) for shard in range(source.shards)]
        found = run_export(
            source, out, span_ms=span_ms, customers=customers is Customers.hashed,
            progress=lambda shard, row, last: bar.update(tasks[shard], completed=row, total=last),
        )
    print(json.dumps({"out": str(out), **asdict(found)}) if as_json else _told(found, out))


def _span(since: str | None, until: str | None) -> tuple[int, int]:
    from_ms = ALL_TIME[0] if since is None else parse_time_ms(since)
    until_ms = ALL_TIME[1] if until is None else parse_time_ms(until)
    if from_ms >= until_ms:
        raise BadInput(f"--since {since} is not before --until {until}")
    return from_ms, until_ms


def _told(found: Exported, out: Path) -> str:
    lines = [
        f"{out}: {found.rows} rows in {found.files} files, {found.bytes / 1e6:.1f} MB: {found.labelled} with a label "
        f"({found.accepted} accepted), {found.open} still open"
    ]
    if found.left_out:
        lines.append(
            f"no rows: {found.left_out['fallback']} fallbacks, {found.left_out['control_group']} items of the control "
            "group"
        )
    if found.headless:
        lines.append(f"{found.headless} customers are left out: the journal lacks their beginning")
    if found.erased:
        lines.append(f"{found.erased} customers were erased: nothing of what they were before is in the rows")
    return "\n".join(lines)
